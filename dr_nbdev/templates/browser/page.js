// What the page shows. The work is done in worker.js; nothing is sent and nothing is stored.

import {evidenceWords, qualityWords, referableWords, sureWords, toCsv, withWhose} from './grade.js'

const $ = id => document.getElementById(id), megabytes = n => `${(n/1e6).toFixed(1)} MB`
let worker, settings, seen = [], running = false, shown = null, number = 0

function make(tag, values = {}, ...inside) { // an element; text is never read as HTML
  const svg = ['svg', 'rect', 'line', 'path', 'text'].includes(tag)
  const e = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag)
  for (const [k, v] of Object.entries(values)) k.startsWith('on') || k === 'checked' ? e[k] = v : e.setAttribute(k, v)
  e.append(...inside.filter(o => o !== null && o !== ''))
  return e
}
const hide = (id, yes) => { $(id).hidden = yes }
const tell = (id, words) => { $(id).textContent = words }

// ---- loading

function startWorker() { // from a blob, so that the Content-Security-Policy of this page holds for the worker too
  const blob = new Blob([`import ${JSON.stringify(new URL('worker.js', location).href)}`], {type: 'text/javascript'})
  worker = new Worker(URL.createObjectURL(blob), {type: 'module'})
  worker.onmessage = ({data}) => ({progress, ready, broken, graded})[data.kind](data)
  worker.onerror = () => broken({message: 'this browser is too old for this page: it needs modules in workers (2023 or newer)'})
}

function progress({loaded, total}) {
  $('progress').value = loaded/total
  tell('load-words', loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} loaded` : 'Loaded. The networks are checked ...')
}

function ready(o) {
  settings = o.settings
  const off = o.off < 1e-6 ? 'none' : o.off.toExponential(0)
  tell('load-words', `Loaded, ${megabytes(o.total)}, and checked: largest difference to the scores of Python on four test pictures: ` +
    `${off}. You can cut the network now. Weights: ${settings.grader.name}.`)
  for (const id of ['progress', 'load', 'cancel']) hide(id, true)
  hide('dropping', false)
  document.body.dataset.state = 'ready'
}

function broken({message}) {
  worker?.terminate()
  tell('load-words', `Not loaded: ${message}.`)
  hide('progress', true); hide('cancel', true); hide('load', false)
  document.body.dataset.state = 'broken'
}

function load() {
  hide('load', true); hide('progress', false); hide('cancel', false)
  tell('load-words', 'Loading ...')
  startWorker()
  worker.postMessage({kind: 'load'})
}

// ---- grading, one after another

function add(files) {
  for (const file of files) {
    const same = seen.filter(o => o.called === file.name).length + 1
    seen.push({id: number++, file, called: file.name, name: same > 1 ? `${file.name} (${same})` : file.name, row: null})
  }
  if (!files.length) return
  hide('results', false)
  if (!running) next()
  draw()
}

function next() {
  const one = seen.find(o => !o.row)
  running = one !== undefined
  hide('stop', !running)
  document.body.dataset.state = running ? 'grading' : 'ready'
  if (!running) return
  const mode = document.querySelector('[name=mode]:checked').value, {id, file, name} = one
  worker.postMessage({kind: 'grade', id, file, name, mode})
}

function graded({id, row, frame, retina, layers, ms}) {
  const one = seen.find(o => o.id === id) // or removed meanwhile
  if (one) Object.assign(one, {file: null, frame, retina, layers, ms, row: withWhose({name: one.name, ...row}, settings)})
  if (one && (!shown || !shown.row.label && row.label)) shown = one
  next()
  draw()
}

function stop() {
  const now = seen.find(o => !o.row) // is finished
  seen = seen.filter(o => o.row || o === now)
  draw()
}

function clear() {
  seen = []
  shown = null
  draw()
  hide('results', true)
  $('files').focus()
}

// ---- results

const place = s => (Math.min(Math.max(s, -.3), 4.3) + .3)/4.6*400
function scale(row) {
  const t = settings.grader.thresholds, edges = [-9, ...t, 9].map(place), x = place(row.score)
  return make('svg', {viewBox: '0 0 400 62', width: '100%', role: 'img', 'aria-label': `score ${row.score.toFixed(2)} on a scale from 0 to 4`},
    ...settings.colors.map((fill, k) => make('rect', {x: edges[k], y: 18, width: edges[k + 1] - edges[k], height: 16, fill})),
    ...t.map(v => make('line', {x1: place(v), x2: place(v), y1: 14, y2: 38, stroke: 'currentColor'})),
    ...t.map(v => make('text', {x: place(v), y: 50, 'font-size': 10, 'text-anchor': 'middle'}, v.toFixed(1))),
    make('path', {d: `M${x} 34 l-6 -14 h12 z`, fill: '#d00000', stroke: '#fff'}),
    make('text', {x, y: 12, 'font-size': 12, 'text-anchor': 'middle'}, row.score.toFixed(2)))
}

function bar(name, p, color) {
  const fill = make('i')
  fill.style.width = `${100*p}%`
  fill.style.background = color
  return make('div', {class: 'dr-bar'}, make('span', {}, name), make('div', {}, fill), make('span', {}, `${Math.round(100*p)}%`))
}

function image(blob, alt, more = {}) {
  const url = URL.createObjectURL(blob), drop = () => URL.revokeObjectURL(url)
  return make('img', {src: url, alt, onload: drop, onerror: drop, ...more})
}

function pictures({name, row, frame, retina, layers}) {
  const l = settings.lesions, marks = (layers ?? []).map((blob, k) => {
    if (!blob) return null
    const words = `${row[l.names[k]]} ${l.words[l.names[k]][row[l.names[k]] === 1 ? 0 : 1]}`, swatch = make('i')
    const picture = image(blob, `marks: ${words}`, {class: 'dr-layer'})
    swatch.style.background = `rgb(${l.colors[l.names[k]]})`
    const check = make('input', {type: 'checkbox', checked: true, oninput: e => { picture.style.visibility = e.target.checked ? '' : 'hidden' }})
    return {picture, label: make('label', {class: 'dr-switch'}, check, swatch, words)}
  }).filter(Boolean)
  return make('div', {class: 'dr-pics'},
    frame ? make('div', {}, make('div', {class: 'dr-pic'}, image(frame, `photograph ${name}, with the field of view that was found`))) : '',
    retina ? make('div', {class: 'dr-evidence'}, make('div', {class: 'dr-pic'}, image(retina, `field of view of ${name}`), ...marks.map(o => o.picture)),
      make('div', {class: 'dr-note'}, ...(marks.length ? marks.map(o => o.label) : ['no lesion was marked']))) : '')
}

function card(one) { // as card.html
  const {row} = one, said = row.label && row.exudates !== undefined ? evidenceWords(row, settings.lesions) : null
  const quality = row.quality === '' ? '' : qualityWords(row.quality, settings.quality)
  return make('article', {class: 'dr-card', 'data-name': row.name, tabindex: -1},
    make('div', {class: 'dr-note'}, row.name + (row.eye ? ` - ${row.eye} eye` : '')),
    ...(row.label ? [make('h3', {}, `${row.grade} - ${row.label}`), scale(row),
      ...(row.confidence === undefined ? [] : settings.grades.map((name, k) => bar(name, row[`p${k}`], settings.colors[k]))),
      make('p', {}, make('b', {}, referableWords(row, settings))), make('p', {}, sureWords(row, settings)),
      make('p', {}, ...(said ? [`${said[0]} `, make('b', {}, said[1])] : [make('b', {}, settings.lesions.not_assessed)]))] : [make('h3', {}, 'No grade')]),
    row.status === 'ok' && !row.message ? '' : make('p', {class: 'dr-bad'}, make('b', {}, row.status.replaceAll('_', ' ')), row.message ? `: ${row.message}` : ''),
    quality ? make('p', {class: 'dr-note'}, `Quality: ${quality}.`) : '',
    pictures(one), make('p', {class: 'dr-note'}, make('b', {}, settings.disclaimer)))
}

function draw() {
  const done = seen.filter(o => o.row), has = done.filter(o => o.row.label).length, without = done.length - has
  tell('status', `${has} of ${seen.length} graded${running ? ' ...' : ''}` +
    (without ? `, ${without} got no grade: see status and message` : '') + ` (${settings.grader.name})`)
  const patient = shown?.row.patient, both = patient ? done.filter(o => o.row.patient === patient) : shown ? [shown] : []
  const key = both.map(o => o.id).join()
  if ($('shown').dataset.key !== key) { // cards that are shown stay as they are
    $('shown').dataset.key = key
    $('shown').replaceChildren(...both.sort((a, b) => (b.row.eye > a.row.eye) - (b.row.eye < a.row.eye)).map(card))
  }
  const columns = settings.columns.filter(c => c.shown)
  $('table').tHead.replaceChildren(make('tr', {}, ...columns.map(c => make('th', {scope: 'col', title: c.meaning}, c.name))))
  $('table').tBodies[0].replaceChildren(...done.map(one => make('tr', shown === one ? {'aria-current': 'true'} : {},
    ...columns.map(c => make('td', {}, c.name === 'name' ? choose(one) : String(one.row[c.name] ?? ''))))))
}

function choose(one) {
  return make('button', {type: 'button', onclick: () => { shown = one; draw(); $('shown').firstChild?.focus() }}, one.name)
}

function save() {
  const rows = seen.filter(o => o.row).map(o => o.row), url = URL.createObjectURL(new Blob([toCsv(rows, settings.columns)], {type: 'text/csv'}))
  make('a', {href: url, download: 'result.csv'}).click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}

// ---- the page itself

async function listExamples() {
  for (const [name, label] of await (await fetch('examples.json')).json()) {
    const blob = await (await fetch(`examples/${name}`)).blob(), file = new File([blob], name)
    $('examples').append(make('button', {type: 'button', onclick: () => add([file])}, image(blob, ''), label))
  }
}

$('load').onclick = load
$('cancel').onclick = () => { broken({message: 'cancelled'}) }
$('files').onchange = e => { add([...e.target.files]); e.target.value = '' }
$('csv').onclick = save
$('clear').onclick = clear
$('stop').onclick = stop
for (const kind of ['dragover', 'dragleave', 'drop']) addEventListener(kind, e => {
  e.preventDefault()
  $('drop').classList.toggle('over', kind === 'dragover')
  if (kind === 'drop' && settings) add([...e.dataTransfer.files])
})
listExamples()
load()
