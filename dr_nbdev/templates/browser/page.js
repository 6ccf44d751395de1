// What the page shows. The work is done in worker.js; nothing is sent and nothing is stored.

import {evidenceWords, qualityWords, referableWords, safeName, sureWords, toCsv, withWhose} from './grade.js'

const $ = id => document.getElementById(id), megabytes = n => `${(n/1e6).toFixed(1)} MB`
let worker, settings, seen = [], running = false, shown = null, chosen = false, number = 0

const SVG = ['svg', 'rect', 'line', 'path', 'text']
function make(tag, values = {}, ...inside) { // an element; text is never read as HTML
  const e = document.createElementNS(`http://www.w3.org/${SVG.includes(tag) ? '2000/svg' : '1999/xhtml'}`, tag)
  for (const [k, v] of Object.entries(values)) k.startsWith('on') || k === 'checked' ? e[k] = v : e.setAttribute(k, v)
  e.append(...inside.filter(o => o !== null && o !== ''))
  return e
}
const part = (name, ...inside) => make('div', {class: name}, ...inside)
const bold = words => make('b', {}, words)
const show = (...ids) => { for (const id of ids) $(id).hidden = false }
const hide = (...ids) => { for (const id of ids) $(id).hidden = true }
const tell = (id, words) => { $(id).textContent = words }

// ---- loading

function startWorker() { // from a blob, so that the Content-Security-Policy of this page holds for the worker too
  const blob = new Blob([`import ${JSON.stringify(new URL('worker.js', location).href)}`], {type: 'text/javascript'})
  worker = new Worker(URL.createObjectURL(blob), {type: 'module'})
  worker.onmessage = ({data}) => ({progress, ready, broken, graded})[data.kind](data)
  const tooOld = 'this browser is too old: the page needs modules in workers (2023 or newer)'
  worker.onerror = () => broken({message: settings ? 'the work broke off: load again, it goes on then' : tooOld})
}

function progress({loaded, total}) {
  $('progress').value = loaded/total
  if (loaded < total) tell('load-words', `${megabytes(loaded)} of ${megabytes(total)} loaded`)
  else tell('load-words', 'Loaded. The networks are checked ...')
}

function ready(o) {
  settings = o.settings
  const how = o.provider === 'webgpu' ? ', by the graphics card' : o.threads > 1 ? `, ${o.threads} threads` : ''
  const apart = o.apart < 1e-6 ? 'none' : o.apart.toExponential(0)
  tell('load-words', `Loaded (${megabytes(o.total)}${how}) and checked: largest difference to the scores of Python ` +
    `on four test pictures: ${apart}. You can cut the network now. Weights: ${settings.grader.name}.`)
  hide('progress', 'load', 'cancel')
  show('dropping')
  showHead()
  next()
}

function broken({message}) {
  worker?.terminate()
  tell('load-words', `Not loaded: ${message}.`)
  hide('progress', 'cancel')
  show('load')
  document.body.dataset.state = 'broken'
}

function load() {
  hide('load')
  show('progress', 'cancel')
  tell('load-words', 'Loading ...')
  startWorker()
  worker.postMessage({kind: 'load', anyAdapter: location.hash === '#webgpu'}) // #webgpu: for tests
}

// ---- grading, one after another

function add(files) {
  if (!files.length) return
  for (const file of files) {
    const called = safeName(file.name), taken = n => seen.some(o => o.name === (n > 1 ? `${called} (${n})` : called))
    let n = 1
    while (taken(n)) n++
    seen.push({id: number++, file, name: n > 1 ? `${called} (${n})` : called, row: null})
  }
  show('results')
  if (!running) next()
  draw()
}

function next() {
  const one = seen.find(o => !o.row)
  running = one !== undefined
  $('stop').hidden = !running
  document.body.dataset.state = running ? 'grading' : 'ready'
  if (!running) return
  const mode = document.querySelector('[name=mode]:checked').value, {id, file, name} = one
  worker.postMessage({kind: 'grade', id, file, name, mode})
}

function graded({id, row, ...pictures}) {
  const one = seen.find(o => o.id === id) // or removed meanwhile
  if (one) Object.assign(one, pictures, {file: null, row: withWhose({name: one.name, ...row}, settings)})
  if (one && !chosen && (!shown || !shown.row.label && row.label)) shown = one
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
  chosen = false
  draw()
  hide('results')
  $('files').focus()
}

// ---- the card of a photograph, as card.html of the Python page

const place = s => (Math.min(Math.max(s, -.3), 4.3) + .3)/4.6*400
function scale(row) {
  const cuts = settings.grader.thresholds, edges = [-9, ...cuts, 9].map(place)
  const x = place(row.score), score = row.score.toFixed(2)
  const text = (x, y, size, words) => make('text', {x, y, 'font-size': size, 'text-anchor': 'middle'}, words)
  const label = `score ${score} on a scale from 0 to 4`
  return make('svg', {viewBox: '0 0 400 62', width: '100%', role: 'img', 'aria-label': label},
    ...settings.colors.map((fill, k) =>
      make('rect', {x: edges[k], y: 18, width: edges[k + 1] - edges[k], height: 16, fill})),
    ...cuts.map(place).map(at => make('line', {x1: at, x2: at, y1: 14, y2: 38, stroke: 'currentColor'})),
    ...cuts.map(v => text(place(v), 50, 10, v.toFixed(1))),
    make('path', {d: `M${x} 34 l-6 -14 h12 z`, fill: '#d00000', stroke: '#fff'}), text(x, 12, 12, score))
}

function bar(name, p, color) {
  const fill = make('i'), percent = `${Math.round(100*p)}%`
  Object.assign(fill.style, {width: percent, background: color})
  return part('dr-bar', make('span', {}, name), make('div', {}, fill), make('span', {}, percent))
}

function image(blob, alt, more = {}) {
  const url = URL.createObjectURL(blob), drop = () => URL.revokeObjectURL(url)
  return make('img', {src: url, alt, onload: drop, onerror: drop, ...more})
}

function layer(lesion, n, blob) { // the marks of a lesion, and the switch for them
  const {words, colors} = settings.lesions, said = `${n} ${words[lesion][n === 1 ? 0 : 1]}`, swatch = make('i')
  const picture = image(blob, `marks: ${said}`, {class: 'dr-layer'})
  const toggle = e => { picture.style.visibility = e.target.checked ? '' : 'hidden' }
  const check = make('input', {type: 'checkbox', checked: true, oninput: toggle})
  swatch.style.background = `rgb(${colors[lesion]})`
  return {picture, label: make('label', {class: 'dr-switch'}, check, swatch, said)}
}

function pictures({name, row, frame, retina, layers}) {
  const marks = settings.lesions.names.flatMap((o, k) => layers?.[k] ? [layer(o, row[o], layers[k])] : [])
  const said = marks.length ? marks.map(o => o.label) : ['no lesion was marked']
  const whole = () => image(frame, `photograph ${name}, with the field of view that was found`)
  const inside = () => part('dr-pic', image(retina, `field of view of ${name}`), ...marks.map(o => o.picture))
  return part('dr-pics', frame ? part('', part('dr-pic', whole())) : '',
    retina ? part('', inside(), part('dr-note', ...said)) : '')
}

function answers(row) {
  const {lesions, grades, colors} = settings, bars = grades.map((name, k) => bar(name, row[`p${k}`], colors[k]))
  const [seen, oedema] = row.exudates === undefined ? ['', lesions.not_assessed] : evidenceWords(row, lesions)
  return [make('h3', {}, `${row.grade} - ${row.label}`), scale(row), ...(row.confidence === undefined ? [] : bars),
    make('p', {}, bold(referableWords(row, settings))), make('p', {}, sureWords(row, settings)),
    make('p', {}, seen && `${seen} `, bold(oedema))]
}

function card(one) {
  const {row} = one, quality = row.quality === '' ? '' : qualityWords(row.quality, settings.quality)
  const remark = row.message && `: ${row.message}`
  return make('article', {class: 'dr-card', tabindex: -1},
    part('dr-note', row.name + (row.eye ? ` - ${row.eye} eye` : '')),
    ...(row.label ? answers(row) : [make('h3', {}, 'No grade')]),
    row.status === 'ok' && !remark ? '' : make('p', {class: 'dr-bad'}, bold(row.status.replaceAll('_', ' ')), remark),
    quality && make('p', {class: 'dr-note'}, `Quality: ${quality}.`),
    pictures(one), make('p', {class: 'dr-note'}, bold(settings.disclaimer)))
}

// ---- the table

const shownColumns = () => settings.columns.filter(c => c.shown)
function showHead() {
  const names = shownColumns().map(c => make('th', {scope: 'col', title: c.meaning}, c.name))
  $('table').tHead.replaceChildren(make('tr', {}, ...names))
}

function together() { // what is shown: both eyes of a patient where the names tell
  if (!shown) return []
  const {patient} = shown.row, both = patient ? seen.filter(o => o.row?.patient === patient) : [shown]
  return both.sort((a, b) => (b.row.eye > a.row.eye) - (b.row.eye < a.row.eye)) // the right eye stands left
}

function choose(one) {
  const onclick = () => {
    shown = one
    chosen = true
    draw()
    one.card.focus()
  }
  return make('button', {type: 'button', onclick}, one.name)
}

function line(one) {
  const cell = name => name === 'name' ? choose(one) : String(one.row[name] ?? '')
  return make('tr', {}, ...shownColumns().map(({name}) => make('td', {}, cell(name))))
}

function showCards(both) { // a card that is shown already stays as it is, with its switches and the focus
  const had = [...$('shown').children], now = both.map(o => o.card ??= card(o)), focused = document.activeElement
  for (const one of seen) if (!both.includes(one)) one.card = null
  if (now.length === had.length && now.every((o, i) => o === had[i])) return
  $('shown').replaceChildren(...now)
  if (focused.isConnected) focused.focus({preventScroll: true})
}

function showLines(done) { // a line stays as it is, with the focus
  const body = $('table').tBodies[0], lines = done.map(one => one.line ??= line(one))
  for (const one of done) one.line.toggleAttribute('aria-current', false)
  if (shown) shown.line.setAttribute('aria-current', 'true')
  if (body.rows.length > lines.length) body.replaceChildren()
  body.append(...lines.slice(body.rows.length))
}

function draw() {
  const done = seen.filter(o => o.row), has = done.filter(o => o.row.label).length, without = done.length - has
  const rest = without ? `, ${without} got no grade: see status and message` : ''
  tell('status', `${has} of ${seen.length} graded${running ? ' ...' : ''}${rest} (${settings.grader.name})`)
  showCards(together())
  showLines(done)
}

function save() {
  const text = toCsv(seen.filter(o => o.row).map(o => o.row), settings.columns)
  const href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}))
  make('a', {href, download: 'result.csv'}).click()
  setTimeout(() => URL.revokeObjectURL(href), 1000)
}

// ---- the page itself

async function listExamples() { // fetched now, so that nothing is asked later
  for (const [name, label] of await (await fetch('examples.json')).json()) {
    const blob = await (await fetch(`examples/${name}`)).blob(), onclick = () => add([new File([blob], name)])
    $('examples').append(make('button', {type: 'button', onclick}, image(blob, ''), label))
  }
}

$('load').onclick = load
$('cancel').onclick = () => broken({message: 'cancelled'})
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
if (navigator.connection?.saveData) {
  tell('load-words', 'This browser is set to save data: the networks, as large as some camera files, wait for a click.')
  show('load')
} else load()
