// From what fundus.js prepares to a row of the table of grades: quality, score, grade, certainty, lesions, oedema.
// All numbers come from the files of the package: grader.json, evidence.json, quality_reference.json, settings.json.

import {blur, mask, picture, pieces, quarter, round, sum} from './pixels.js'
import {measure, openPhotograph, qualityView, retinaView, squareOf} from './fundus.js'

const digits = x => Number.isFinite(x) ? Number(x.toFixed(4)) : ''
const sigmoid = z => 1/(1 + Math.exp(-z))
const percent = x => `${round(100*x)}%`
const top = a => a.reduce((x, y) => Math.max(x, y), 0)

// ---- quality (photos/quality)

function walk({feature, threshold, left, right, value, root, base}, x) {
  return base + sum(root.map(node => {
    while (left[node] !== node) node = x[feature[node]] <= threshold[node] ? left[node] : right[node]
    return value[node]
  }))
}

function lookOf(m) {
  const pale = m.saturation < 60, middle = 118 < m.light && m.light < 155 && m.dim > 85 && m.bright < 235
  if (pale && middle && m.patches < 6) return 'grey'
  return m.one_hue < .6 || pale && m.coarse > 6 ? 'stretched' : 'natural'
}

function notARetina(m, look, q) {
  if (look === 'natural' && m.middle < .45 && m.sharp > 1) return 'nothing but grain: no vessels to be seen'
  for (const [k, what] of Object.entries(q.too_much))
    if (m[k] > q.limits[look][k]) return `more ${what} than a retina has`
  if (look === 'natural') {
    if (m.light > 70 && m.warm < .25 || !m.found && m.warm < .55) return 'not the colours of a retina'
    if (!m.found && (m.fine > 3.3 || m.middle > 6)) return 'no round field, and more detail than a retina has'
  }
  if (look === 'stretched' && m.saturation < 5) return 'no colours'
  if (look === 'stretched' && !m.found) return 'no round field, and not the colours of a retina'
  return look === 'grey' && m.middle < 1 ? 'no vessels to be seen' : ''
}

function shareAsBad(value, quantiles, side, shares) { // of the reference, that is as bad or worse
  const high = side === 'high', q = [...new Set(quantiles)].sort((a, b) => a - b)
  const p = q.map(v => shares[high ? quantiles.indexOf(v) : quantiles.lastIndexOf(v)])
  if (high ? value > q.at(-1) : value < q[0]) return 0
  const i = q.findIndex(v => v >= value)
  const at = i < 0 ? p.at(-1) : !i ? p[0] : p[i - 1] + (p[i] - p[i - 1])*(value - q[i - 1])/(q[i] - q[i - 1])
  return high ? 1 - at : at
}

function judge(m, [poor, other], fov, {quality: q, reference}) {
  const look = lookOf(m), grey = m.colour < 5 && m.light > 25, refused = reason => ({score: 0, retina: false, reason})
  if (other > (fov.visible ? q.other : q.other_unseen)) {
    const why = grey ? q.grey : notARetina(m, look, q) || 'judged so by the learned gate'
    return refused(`not a fundus photograph: ${why}`)
  }
  if (!fov.visible) return refused(fov.reason)
  if (grey) return refused(q.grey)
  const ranks = q.rules.filter(([k]) => !q.not_said[look].includes(k))
    .map(([k, side, why]) => [shareAsBad(m[k], reference[look][k], side, q.shares), why])
  const [worst, why] = ranks.reduce((a, b) => b[0] < a[0] ? b : a)
  const score = shareAsBad(poor, reference.poor, 'high', q.shares)
  return {score, retina: true, reason: worst < q.explains ? why : q.learned}
}

export async function assess(img, fov, s, run) {
  const [view, all, inner] = qualityView(img, fov), m = measure(view, all, inner, fov.found)
  if (!fov.visible && (m.bright < 16 || m.light > 250)) return {score: 0, retina: false, reason: fov.reason}
  const x = Float32Array.from(s.quality.measures, k => m[k]), n = view.w*view.h
  const planes = Float32Array.from({length: 3*n}, (_, i) => (view.d[3*(i % n) + (i/n | 0)] - 128)/64)
  const asked = await run('gate', {square: [planes, [1, 3, view.h, view.w]], measures: [x, [1, x.length]]})
  const trees = s.quality.trees.map(o => walk(o, x))
  return judge(m, trees.map((z, i) => sigmoid((z + asked.logits[i])/2)), fov, s)
}

export function qualityWords(share, {bands}) {
  const band = Object.entries(bands).find(([, limit]) => share < limit)?.[0]
  return band ? `${band} (as good as or better than ${percent(share)} of real photographs)` : ''
}

// ---- from a score to its answers (answers/grades, answers/confidence)

export const toGrade = (score, thresholds) => thresholds.filter(t => score >= t).length

export function probabilities(score, {slope, centers}) {
  const above = [1, ...centers.map(c => sigmoid(slope*(score - c))), 0]
  return above.slice(1).map((p, k) => above[k] - p)
}

function predictionSet(p, grade, limit) { // neighbours join, the more probable side first, until enough is covered
  let low = grade, high = grade, mass = p[grade]
  const before = p.map((_, k) => k === grade ? 0 : null)
  while (high - low < p.length - 1) {
    const next = (p[low - 1] ?? -1) >= (p[high + 1] ?? -1) ? --low : ++high
    before[next] = mass
    mass += p[next]
  }
  const inside = [...p.keys()].filter(k => before[k] <= limit)
  return inside.length > 1 ? `${inside[0]}-${inside.at(-1)}` : `${inside[0]}`
}

const referableCut = g => g.operating_points?.referable?.default ?? g.thresholds[1]

export function answers(score, status, {grader: g, grades, edge, coverage}) {
  const grade = toGrade(score, g.thresholds), row = {grade, label: grades[grade], score: digits(score), remark: ''}
  if (g.calibration) {
    const p = probabilities(score, g.calibration)
    p.forEach((v, k) => row[`p${k}`] = digits(v))
    row.confidence = digits(p[grade])
    if (g.sets) row.set = predictionSet(p, grade, g.sets[coverage])
  }
  const cut = referableCut(g), poor = status === 'low_quality'
  row.referable = row.score >= cut ? 'yes' : row.score >= cut - edge || poor ? '' : 'no'
  if (!row.referable) row.remark = poor ? 'too poor to rule out referable DR'
    : `just below the cut for referable DR (${cut.toFixed(4)}): have a person look`
  return row
}

// ---- lesions, landmarks, oedema (photos/lesions, grading/evidence)

const layer = (maps, k) => maps.d.subarray(k*maps.w*maps.h, (k + 1)*maps.w*maps.h)

function marks(p, w, h, {extent, peak, smallest}) { // pixels of the marks, and their number
  const {labels, found} = pieces(mask(w, h, i => p[i] >= extent)), high = found.map(() => 0)
  labels.forEach((o, i) => { if (o) high[o - 1] = Math.max(high[o - 1], p[i]) })
  const kept = found.map((o, k) => high[k] >= Math.max(peak, extent) && o.area >= smallest)
  return [mask(w, h, i => labels[i] && kept[labels[i] - 1]), sum(kept.map(Number))]
}

function discOf(p, w, h) {
  const {labels, found} = pieces(mask(w, h, i => p[i] > .3)), weight = found.map(() => 0), high = found.map(() => 0)
  if (!found.length) return {sure: 0}
  labels.forEach((o, i) => { if (o) { weight[o - 1] += p[i]; high[o - 1] = Math.max(high[o - 1], p[i]) } })
  const k = weight.indexOf(Math.max(...weight)), o = found[k]
  return {at: [o.x/o.area, o.y/o.area], diameter: 2*Math.sqrt(o.area/Math.PI), sure: high[k]*weight[k]/sum(weight)}
}

function foveaOf(p, w, h, disc, awayBy) {
  const few = blur(quarter(picture(w, h, 1, p)), 1)
  if (disc) few.d.forEach((v, i) => {
    const off = Math.hypot(4*(i % few.w) + 1.5 - disc.at[0], 4*(i/few.w | 0) + 1.5 - disc.at[1])/disc.diameter - awayBy
    few.d[i] = v*Math.exp(-((off/.6)**2)/2)
  })
  const sure = top(few.d), i = few.d.indexOf(sure)
  return {at: [4*(i % few.w) + 1.5, 4*(i/few.w | 0) + 1.5], sure}
}

export function landmarks(maps, l) {
  const at = name => layer(maps, l.layers.indexOf(name))
  let disc = discOf(at('disc'), maps.w, maps.h), eye = ''
  if (disc.sure < l.sure || !(disc.diameter > 20 && disc.diameter < 120)) disc = null
  const seen = foveaOf(at('fovea'), maps.w, maps.h, disc, l.fovea_at), fovea = seen.sure < l.sure ? null : seen
  if (disc && fovea) {
    const [x, y] = [0, 1].map(k => disc.at[k] - fovea.at[k])
    disc.diameter = (disc.diameter + Math.hypot(x, y)/l.fovea_at)/2
    if (Math.abs(y) > .1*disc.diameter && Math.abs(x) > Math.abs(y)) eye = (x > 0) === (y < 0) ? 'right' : 'left'
  }
  return {disc, fovea, sure: seen.sure, eye}
}

function oedemaProbability(maps, where, retina, counts, l, fitted) {
  const {w, h} = maps, at = name => layer(maps, l.layers.indexOf(name)), x = {}
  const share = (p, by = () => 1) =>
    Math.log1p(1e4*sum(Array.from(p, (v, i) => v > .1 ? v*by(i) : 0))/Math.max(retina, 1))
  const dark = at('microaneurysms').map((v, i) => Math.max(v, at('haemorrhages')[i]))
  for (const [name, p] of [['exudate', at('exudates')], ['dark', dark]]) {
    x[name] = share(p)
    x[`${name}_within`] = share(p, i => where.off(i) < 1)
    x[`${name}_wide`] = share(p, i => where.off(i) < 2)
    x[`${name}_near`] = share(p, i => Math.exp(-(where.off(i)**2)/2))
  }
  x.exudate_peak = sum(Float32Array.from(at('exudates')).sort().slice(-20))/20
  x.cotton = share(at('cotton_wool'))
  for (const o of l.names.slice(0, 3)) x[`${o}_marks`] = Math.log1p(counts[o])
  x.fovea = where.sure
  const {properties, mean, scale, weight, intercept} = fitted
  return sigmoid(intercept + sum(properties.map((k, i) => (x[k] - mean[i])/scale[i]*weight[i])))
}

export async function findEvidence(view, poor, s, run) {
  const {picture: p, retina} = view, l = s.lesions, e = s.evidence, colour = [0, 0, 0]
  let n = 0
  for (let y = 0; y < p.h; y += 8) for (let x = 0; x < p.w; x += 8) if (retina.d[(y/2)*retina.w + x/2]) {
    const rgb = p.d.subarray((y*p.w + x)*3, (y*p.w + x)*3 + 3)
    if (sum(rgb) > 40) { n++; rgb.forEach((v, k) => colour[k] += v) }
  }
  const [red, green, blue] = n ? colour.map(v => v/n) : l.average
  if (red < l.warm*Math.max(blue, 1)) return {reason: l.no_colours}
  const gain = [red, green, blue].map((v, k) => Math.min(Math.max(l.average[k]/Math.max(v, 8), .3), 3.5))
  const inputs = {picture: [new Uint8Array(p.d), [1, p.h, p.w, 3]], gain: [Float32Array.from(gain), [1, 3]]}
  const found = (await run('lesions', inputs)).maps, {w, h} = retina
  const maps = {w, h, d: found.map((v, i) => v*retina.d[i % (w*h)])}, size = sum(retina.d)
  const parted = l.names.map((_, k) => layer(maps, k).map((v, i) => { // each pixel to the more probable of two alike
    const other = layer(maps, k ^ 1)[i]
    return (k & 1 ? v > other : v >= other) ? v : 0
  }))
  const all = parted.map((d, k) => marks(d, w, h, e.marks[l.names[k]])), where = landmarks(maps, l)
  const counts = Object.fromEntries(l.names.map((o, k) => [o, all[k][1]])), {disc, fovea} = where
  const [cx, cy] = fovea ? fovea.at.map(v => (digits1(2*v + .5))/2) : [w/2, h/2]
  const diameter = disc?.diameter ?? l.usual*Math.max(w, h)
  where.off = i => Math.hypot(i % w - cx, (i/w | 0) - cy)/diameter
  const probability = oedemaProbability(maps, where, size, counts, l, e.oedema)
  const exudates = all[l.names.indexOf('exudates')][0]
  let near = disc && fovea ? exudates.d.some((v, i) => v && where.off(i) < 1) ? 'yes' : 'no' : ''
  let oedema = probability >= e.oedema.operating_point ? 'yes' : fovea ? 'no' : ''
  if (poor) [near, oedema] = [near, oedema].map(o => o === 'no' ? '' : o) // a poor photograph rules nothing out
  const row = {exudates_near_fovea: near, oedema, oedema_p: digits(probability), eye_seen: where.eye}
  l.names.forEach((o, k) => { row[o] = counts[o]; row[`${o}_area`] = digits(100*sum(all[k][0].d)/Math.max(size, 1)) })
  return {reason: '', row, marks: all.map(o => o[0])}
}
const digits1 = x => Number(x.toFixed(1))

export function evidenceWords(row, {names, words, oedema_left_open}) {
  const seen = names.filter(o => row[o]).map(o => `${row[o]} ${words[o][row[o] === 1 ? 0 : 1]}`)
  let said = seen.length ? `Seen: ${seen.join(', ')}.` : 'No lesion was seen.'
  if (row.exudates_near_fovea && row.exudates)
    said += ` Exudates within one disc diameter of the fovea: ${row.exudates_near_fovea}.`
  if (!row.oedema) return [said, oedema_left_open]
  const suspected = row.oedema === 'yes' ? 'suspected' : 'not suspected'
  return [said, `Macular oedema is ${suspected} (probability ${percent(row.oedema_p)}).`]
}

// ---- one photograph (grading/prepare, grading/grader)

export async function gradePixels(read, full, mode, s, run) { // what `Grader.table` puts into a row, and the pictures
  const size = s.grader.preprocess.size, [img, fov] = openPhotograph(read, full, size)
  const q = await assess(img, fov, s, run), poor = q.retina && q.score < s.quality.min_quality
  const status = !q.retina ? 'not_fundus' : poor ? 'low_quality' : 'ok'
  const worst = Math.max(q.score, .001)*100
  const why = !q.retina ? q.reason : poor ? `${q.reason}: among the worst ${worst.toFixed(1)}% of real photographs` : ''
  const row = {status, quality: fov.visible ? digits(q.score) : '', message: why || fov.reason}, out = {row, img, fov}
  if (!q.retina || poor && mode === 'refuse') return out
  const square = squareOf(img, fov, size)
  const {score: [score]} = await run('grade', {squares: [square.d, [1, size, size, 3]]})
  if (!Number.isFinite(score)) {
    Object.assign(row, {status: 'failed', message: 'the output of the network is not a number'})
    return out
  }
  const {remark, ...said} = answers(score, status, s)
  Object.assign(row, said, {engine: s.engine})
  out.view = retinaView(img, fov, s.lesions.side, s.lesions.step)
  out.evidence = await findEvidence(out.view, poor, s, run)
  Object.assign(row, out.evidence.row)
  row.message = [row.message, remark, out.evidence.reason].filter(Boolean).join('; ')
  return out
}

// ---- names, words and the table

const UNSAFE = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g
export const safeName = name => name.replace(UNSAFE, '_').normalize('NFC') // base/text: safe_name

export function whoseByName(name, {sides, extensions, nobody, fillers}) { // answers/whose: whose_by_name
  const trim = text => text.replace(/^\p{Z}+|\p{Z}+$/gu, ''), base = trim(name).replaceAll('\\', '/').split('/').pop()
  const dot = base.lastIndexOf('.'), ends = /[^.]/.test(base.slice(0, Math.max(dot, 0)))
  const known = ends && extensions.includes(base.slice(dot).toLowerCase())
  const id = known ? trim(base.slice(0, dot)) : base, side = Object.keys(sides).join('|')
  const last = id.match(RegExp(`^(.+?)[_\\p{Z}.-]+(${side})$`, 'iu'))
  const first = id.match(RegExp(`^(${side})[_\\p{Z}.-]+(.+)$`, 'iu')), none = {patient: '', eye: '', known_from: ''}
  if (!last === !first) return none
  const [patient, eye] = last ? [last[1], last[2]] : [first[2], first[1]], found = sides[eye.toLowerCase()]
  if (!found) return none // a letter that only looks like one of these
  const parts = patient.normalize('NFKC').toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const rest = parts.filter(o => !fillers.includes(o)).join('')
  const blank = !rest || nobody.includes(parts.join('')) || nobody.includes(rest) || /^(0+|9{6,}|x+)$/.test(rest)
  const nobodys = blank && !/^\p{Nd}+$/u.test(patient)
  if (nobodys) return {...none, eye: found, known_from: `name: ${patient} stands for nobody`}
  return {patient, eye: found, known_from: 'name'}
}

export function withWhose(row, s) { // the row with its name read, and a remark where the picture shows the other side
  const whole = {...row, ...whoseByName(row.name, s.names)}
  if (whole.eye && row.eye_seen && row.eye_seen !== whole.eye)
    whole.message = [row.message, `the picture looks like a ${row.eye_seen} eye`].filter(Boolean).join('; ')
  return whole
}

export function sureWords(row, {grades, coverage}) {
  if (row.confidence === undefined) return 'These weights have no calibration: nothing can be said about certainty.'
  const p = grades.map((_, k) => row[`p${k}`]), likely = p.indexOf(Math.max(...p))
  let text = `Probability of this grade: ${percent(row.confidence)}`
  if (likely !== row.grade) text += `; of at least ${grades[row.grade]}: ${percent(sum(p.slice(row.grade)))}. ` +
    `${grades[likely]} alone is more probable`
  if (!row.set) return `${text}.`
  return `${text}. Prediction set: ${row.set.replace('-', ' to ')}. ` +
    `Such sets contain the true grade of ${percent(coverage)} of photographs.`
}

export function referableWords(row, {grader: g, grades, referable}) {
  const cut = referableCut(g), at = cut.toFixed(2), worse = p => sum(p.slice(referable))
  const here = worse(grades.map((_, k) => row[`p${k}`]))
  const first = g.calibration && worse(probabilities(cut, g.calibration))
  const said = ` Probability of ${grades[referable]} or worse: ${percent(here)}; referred from ${percent(first)}.`
  const how = g.calibration ? said : ''
  if (row.referable === 'yes') return `Referable: the score is ${at} or more.${how}`
  if (row.referable === 'no') return `Not referable: the score is below ${at}.${how}`
  if (row.status === 'low_quality') return 'Referable or not is left open: the photograph is too poor to rule it out.'
  return `Referable or not is left open: the score is just below ${at}. A person has to decide.${how}`
}

const FORMULA = /^'*(?:[\t\r\n]|[\t-\r\x1c-\x1f\x85\p{Z}]*[=+@＝＋－＠\u2212-])/u // what a spreadsheet would run
export function toCsv(rows, columns) { // as `write_csv`, with the columns of result.csv
  const cell = (v, kind) => {
    if (v === undefined || v === null || v === '') return ''
    if (typeof v === 'number') return kind === 'number' && Number.isInteger(v) ? v.toFixed(1) : String(v)
    const text = FORMULA.test(v) ? `'${v}` : v
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = rows.map(row => columns.map(c => cell(row[c.name], c.kind)).join(','))
  return [columns.map(c => c.name).join(','), ...lines, ''].join('\n')
}
