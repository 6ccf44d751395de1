// From the pixels of a photograph to what the networks see: the steps of photos/field, preprocess, quality and lesions
// in Python, under their names. `full` is [height, width] of the file; the picture that was read may be smaller.

import {
  picture, bytes, halfUp, map, range, round, clip, sum, count, median, longer, resample, area, at, between, nearest,
  smooth, blur, shrinkTo, quarter, quarterMask, crop, centred, fitting, fitSquare, grey, square, disc, dilate,
  erode, close, open, mask, pieces, largestPiece
} from './pixels.js'

// ---- field of view (photos/field)

const shrinkOf = (img, full) => round(Math.max(...full)/longer(img))
const ends = f => [f.top, f.bottom, f.left, f.right]
const box = f => ends(f).map((v, i) => i % 2 ? Math.ceil(v/f.shrink) : Math.floor(v/f.shrink))
const cut = (img, f) => crop(img, ...box(f))
function inside(f) {
  const [t, b, l, r] = ends(f).map(v => round(v*f.scale))
  return crop(f.mask, t, Math.min(Math.max(b, t + 1), f.mask.h), l, Math.min(Math.max(r, l + 1), f.mask.w))
}

function small(img, full, side = 256) {
  const s = Math.min(1, side/Math.max(...full)), f = s*shrinkOf(img, full)
  if (f === 1) return img
  const [w, h] = [round(img.w*f), round(img.h*f)], mean = resample(img, area(img.w, w, 1/f), area(img.h, h, 1/f))
  const p = (f === .5 ? halfUp : bytes)(mean)
  return crop(p, 0, Math.min(h, round(full[0]*s)), 0, Math.min(w, round(full[1]*s)))
}

const corners = (p, k) => [0, p.h - k].flatMap(y => [0, p.w - k].map(x => crop(p, y, y + k, x, x + k)))
const channel = (p, o) => p.d.filter((_, i) => i % p.c === o)
const spanOf = ends => Math.max(...ends) - Math.min(...ends)

function background(p) { // [level, tolerance]; null: the corners show no background
  const all = corners(p, Math.max(3, round(.04*Math.min(p.w, p.h)))), lums = all.map(o => grey(o).d)
  const levels = lums.map(median), level = median(levels)
  const plain = o => spanOf([0, 1, 2].map(k => median(channel(o, k)))) < 30
  const alike = all.map((o, i) => Math.abs(levels[i] - level) < 12 && plain(o))
  if (sum(alike.map(Number)) < 3) return null
  const near = lums.filter((_, i) => alike[i]).flatMap(o => [...o])
  const spread = sum(near.map(v => Math.abs(v - level)))/near.length
  return spread < 8 ? [level, Math.max(60 < level && level < 200 ? 2 : 7, 2.5*spread)] : null
}

function median3({w, h, d}) {
  const out = picture(w, h, 1, new Uint8ClampedArray(w*h)), nine = new Uint8Array(9)
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    for (let k = 0; k < 9; k++) nine[k] = d[clip(y + (k/3 | 0) - 1, 0, h - 1)*w + clip(x + k % 3 - 1, 0, w - 1)]
    out.d[y*w + x] = nine.sort()[4]
  }
  return out
}

function fieldMask(lum, level, tol) {
  const apart = smooth(map(lum, v => Math.abs(v - level)), Array(5).fill(.2)), soft = median3(lum), k = square(5)
  const structured = erode(mask(lum.w, lum.h, i => apart.d[i] > tol), k)
  const all = mask(lum.w, lum.h, i => Math.abs(soft.d[i] - level) > Math.max(tol, 7) || structured.d[i])
  return open(close(all, square(9)), k)
}

const SEVERAL = n => `shows ${n} fields of view: cut it into a picture for each`
function countFields(p, apart = false) {
  const {found} = pieces(p), most = Math.max(...found.map(o => o.area))
  if (!found.length) return 1
  const sides = o => [o.right - o.left + 1, o.bottom - o.top + 1]
  const large = found.filter(o => o.area > .35*most && o.area > .03*p.w*p.h)
  const dense = large.filter(o => o.area > .4*sides(o)[0]*sides(o)[1]).length
  const s = sides(found.find(o => o.area === most)), ratio = Math.max(...s)/Math.min(...s)
  return Math.max(dense, ratio > 1.75 && !apart ? round(ratio) : 1)
}

const whole = (full, p, shrink, reason, visible = false) => ({
  top: 0, bottom: full[0], left: 0, right: full[1], found: false, reason, visible,
  mask: mask(p.w, p.h, () => 1), scale: p.h/full[0], shrink})

function flatEnds(img, [top, bottom, left, right], rows, tol = 10) { // flat rows, or columns, at both ends
  const n = rows ? bottom - top : right - left
  const flat = i => {
    let low = 255, high = 0
    for (let k = 0, m = rows ? right - left : bottom - top; k < m; k++) {
      const at = 3*(rows ? (top + i)*img.w + left + k : (top + k)*img.w + left + i)
      for (let o = at; o < at + 3; o++) { low = Math.min(low, img.d[o]); high = Math.max(high, img.d[o]) }
      if (high - low > tol) return false
    }
    return true
  }
  let a = 0, b = 0
  while (a < n && flat(a)) a++
  while (a < n && flat(n - 1 - b)) b++
  return a < n ? [a, b] : [n, n]
}

function bare(img, shrink) {
  const step = shrink*longer(img) > 1600 ? 8/shrink : 1
  for (let part = [0, img.h, 0, img.w];;) {
    const [[t, b], [l, r]] = [true, false].map(o => flatEnds(img, part, o).map(n => Math.floor(n/step)*step))
    const narrow = Math.min(part[1] - part[0] - t - b, part[3] - part[2] - l - r) < 16
    if (narrow || !(t || b || l || r)) return part
    part = [part[0] + t, part[1] - b, part[2] + l, part[3] - r]
  }
}

function lookInside(img, part, shrink, find) {
  const piece = crop(img, ...part), f = find(piece, [shrink*piece.h, shrink*piece.w]), s = f.scale
  const top = shrink*part[0], left = shrink*part[2], y = round(top*s), x = round(left*s)
  const all = picture(round(s*shrink*img.w), round(s*shrink*img.h), 1)
  all.d = new Uint8Array(all.w*all.h)
  const w = Math.min(f.mask.w, all.w - x)
  for (let i = 0; i < Math.min(f.mask.h, all.h - y); i++)
    all.d.set(f.mask.d.subarray(i*f.mask.w, i*f.mask.w + w), (y + i)*all.w + x)
  return {...f, top: top + f.top, bottom: top + f.bottom, left: left + f.left, right: left + f.right, mask: all, shrink}
}

function boxed(p, full, shrink) {
  const rows = range(p.h).filter(y => sum(p.d.subarray(y*p.w, (y + 1)*p.w))/p.w > .02)
  const columns = range(p.w).filter(x => sum(range(p.h).map(y => p.d[y*p.w + x]))/p.h > .02)
  if (count(p)/(p.w*p.h) < .08 || !rows.length || !columns.length) return null
  const [h, w] = full, sy = h/p.h, sx = w/p.w
  return {
    top: Math.floor(rows[0]*sy), bottom: Math.min(h, round((rows.at(-1) + 1)*sy)),
    left: Math.floor(columns[0]*sx), right: Math.min(w, round((columns.at(-1) + 1)*sx)),
    found: true, reason: '', visible: true, mask: p, scale: 1/sy, shrink}
}

function search(img, full, first = false) {
  const [h, w] = full, shrink = shrinkOf(img, full)
  if (Math.max(h, w) > 8*Math.min(h, w)) return whole(full, img, shrink, 'a narrow strip: no field of view')
  if (first) { const f = lookInside(img, bare(img, shrink), shrink, search); if (f.visible) return f }
  const tiny = small(img, full), lum = grey(tiny), part = f => lum.d.filter(f).length/lum.d.length
  const all = (reason, visible) => whole(full, lum, shrink, reason, visible)
  if (part(v => v < 16) > .99) return all('very dark: no retina to be seen')
  if (part(v => v > 250) > .9) return all('overexposed: nearly all white')
  const border = background(tiny)
  if (!border) return all('no border around the retina', true)
  const differs = fieldMask(lum, ...border), n = countFields(differs)
  if (n > 1) return all(SEVERAL(n))
  const f = boxed(largestPiece(differs), full, shrink)
  if (!f) return all('no field of view stands out from the background')
  const large = (f.bottom - f.top)*(f.right - f.left)/(h*w)
  if (!(large < .5 || border[0] > 200 && large < .95)) return f
  const inner = lookInside(img, box(f), shrink, search)
  return inner.found ? inner : f
}

const ROUND = .015
function solve3(m, v) { // Cramer's rule
  const det = a => a[0]*(a[4]*a[8] - a[5]*a[7]) - a[1]*(a[3]*a[8] - a[5]*a[6]) + a[2]*(a[3]*a[7] - a[4]*a[6])
  return [0, 1, 2].map(k => det(m.map((o, i) => i % 3 === k ? v[i/3 | 0] : o))/det(m))
}
function roundness(p) {
  const on = (x, y) => x >= 0 && y >= 0 && x < p.w && y < p.h && p.d[y*p.w + x]
  const edge = (x, y) => on(x, y) && !(on(x - 1, y) && on(x + 1, y) && on(x, y - 1) && on(x, y + 1))
  let all = range(p.w*p.h).map(i => [i % p.w, i/p.w | 0]).filter(o => edge(...o))
  if (!all.length) return 1
  const extreme = f => [0, 1].map(k => all.reduce((v, o) => f(v, o[k]), all[0][k]))
  const first = extreme(Math.min), last = extreme(Math.max)
  all = all.filter(o => [0, 1].every(k => o[k] > first[k] + 1 && o[k] < last[k] - 1))
  if (all.length < 24) return 1
  const total = f => sum(all.map(f)), q = ([x, y]) => x*x + y*y
  const [xx, xy, yy, x, y] = [o => o[0]**2, o => o[0]*o[1], o => o[1]**2, o => o[0], o => o[1]].map(total)
  const right = [total(o => 2*o[0]*q(o)), total(o => 2*o[1]*q(o)), total(q)]
  const [a, b, c] = solve3([4*xx, 4*xy, 2*x, 4*xy, 4*yy, 2*y, 2*x, 2*y, all.length], right), mid = [a, b]
  const r = Math.sqrt(Math.max(c + a*a + b*b, 1))
  const beyond = Math.max(...[0, 1].flatMap(k => [mid[k] - r - first[k], last[k] - mid[k] - r]))
  if (!(all.length >= .1*Math.PI*r) || beyond > .06*r) return 1
  return Math.sqrt(total(o => (Math.hypot(o[0] - a, o[1] - b) - r)**2)/all.length)/r
}

const turned = p => picture(p.h, p.w, 3, p.d.map((_, i) => p.d[((i/3 % p.h | 0)*p.w + (i/3/p.h | 0))*3 + i % 3]))
const upsideDown = p => picture(p.w, p.h, 3, p.d.map((_, i) => p.d[(p.h - 1 - (i/3/p.w | 0))*p.w*3 + i % (3*p.w)]))
function band(p) { // rows of one colour, with or without writing, from the top
  const h = Math.min(p.h, (p.h >> 1) + 2), top = crop(p, 0, Math.min(3, h), 0, p.w)
  const limits = [0, 1, 2].map(k => median(channel(top, k))).map(v => [round(v - 14), round(v + 14)])
  const alike = i => limits.every(([low, high], k) => low <= p.d[3*i + k] && p.d[3*i + k] <= high)
  const share = range(h).map(y => range(p.w).filter(x => alike(y*p.w + x)).length/p.w)
  let least = 1, end = 0
  for (let y = 0; y + 2 < h; y++) {
    least = Math.min(least, share[y])
    if (share[y] >= .6 && share[y] - share[y + 2] >= .4 && least >= .2) end = y + 2
  }
  return end
}

function withoutBands(img, full) {
  const mid = small(img, full, 512), step = Math.max(...full) > 1600 ? 8 : 1
  let edges = [0, mid.h, 0, mid.w]
  for (;;) {
    const p = crop(mid, ...edges), side = turned(p)
    const by = [band(p), -band(upsideDown(p)), band(side), -band(upsideDown(side))]
    const [t, b, l, r] = edges.map((v, i) => v + by[i])
    if (!by.some(Boolean) || Math.min(b - t, r - l) < .3*Math.min(mid.w, mid.h)) break
    edges = [t, b, l, r]
  }
  if (edges.every((v, i) => v === [0, mid.h, 0, mid.w][i])) return null
  const up = (n, of, size) => Math.min(size, Math.ceil(n*size/(of*step))*step)
  const down = (n, of, size) => n === of ? size : Math.floor(n*size/(of*step))*step
  const [h, w] = full, shrink = shrinkOf(img, full), [t, b, l, r] = edges
  return [Math.floor(up(t, mid.h, h)/shrink), Math.ceil(down(b, mid.h, h)/shrink),
          Math.floor(up(l, mid.w, w)/shrink), Math.ceil(down(r, mid.w, w)/shrink)]
}

function writtenBackground(p) {
  const all = corners(p, Math.max(6, round(.1*Math.min(p.w, p.h)))), bins = new Float64Array(256)
  const plain = all.map(o => [...grey(o).d].filter((_, i) => spanOf(o.d.subarray(3*i, 3*i + 3)) < 30))
  for (const v of plain.flat()) bins[v]++
  const wide = range(256).map(i => sum(bins.subarray(Math.max(0, i - 6), i + 7)))
  const mode = wide.indexOf(Math.max(...wide))
  const near = plain.map(o => o.filter(v => Math.abs(v - mode) < 12))
  if (near.filter((o, i) => o.length/(all[i].w*all[i].h) >= .35).length < 3) return null
  const values = near.flat(), level = median(values), spread = sum(values.map(v => Math.abs(v - level)))/values.length
  return [level, Math.max(60 < level && level < 200 ? 2 : 7, 2.5*spread)]
}

function besideWriting(img, full) {
  const tiny = small(img, full), shrink = shrinkOf(img, full), border = writtenBackground(tiny)
  if (!border) return null
  const lum = grey(tiny), soft = median3(lum)
  const differs = close(mask(lum.w, lum.h, i => Math.abs(soft.d[i] - border[0]) > Math.max(border[1], 7)), square(3))
  let best = .02, field = null, n = 1
  for (const k of [9, 17, 25]) {
    const opened = close(open(differs, disc(k)), disc(9))
    if ((n = countFields(opened, true)) > 1) continue
    const piece = largestPiece(opened), stray = roundness(piece)
    if (stray < best) [best, field] = [stray, piece]
    if (best < ROUND) break
    if (opened.d.filter((v, i) => v && piece.d[i]).length < .93*count(piece)) n = countFields(opened)
  }
  if (!field) return n > 1 ? whole(full, lum, shrink, SEVERAL(n)) : null
  const near = dilate(field, disc(5)), marked = fieldMask(lum, ...border)
  return boxed(largestPiece(mask(lum.w, lum.h, i => near.d[i] && marked.d[i])), full, shrink)
}

export function fieldOfView(img, full) {
  const f = search(img, full, true)
  if (Math.max(...full) > 8*Math.min(...full) || f.found && roundness(f.mask) < ROUND) return f
  const part = withoutBands(img, full)
  let again = part && lookInside(img, part, shrinkOf(img, full), fieldOfView)
  if (!again || f.found && !again.visible) again = besideWriting(img, full)
  return again && (again.visible || !f.found) ? again : f
}

// ---- the square of the network (photos/preprocess)

const FINER = 1.6
const scaleFor = (full, atLeast) => [8, 4, 2].find(n => Math.max(...full) >= n*atLeast) ?? 1
export function openPhotograph(read, full, size) { // read(n) returns the picture at 1/n of its scale
  let img = read(scaleFor(full, Math.max(2.5*size, 900))), fov = fieldOfView(img, full)
  const side = Math.max(fov.bottom - fov.top, fov.right - fov.left)
  if (fov.shrink > 1 && side < fov.shrink*FINER*size) { // too coarse: read again
    img = read(scaleFor(full, FINER*size*Math.max(...full)/side))
    fov = fieldOfView(img, full)
  }
  return [img, fov]
}

function cutSquare(img, fov, size, fill = 0) {
  if (fov.shrink === 1) return fitSquare(cut(img, fov), size, fill)
  const h = fov.bottom - fov.top, w = fov.right - fov.left, [W, H] = fitting(h, w, size)
  const n = Math.max(h, w)/fov.shrink/size, k = n < 2.6 ? 2 : 3, cubic = Math.abs(n/k - 1) < .12 ? 0 : 1
  const part = cut(img, fov)
  const places = (from, side, m, limit) => {
    const s = side/fov.shrink/m/k
    return at(range(k*m).map(i => from/fov.shrink % 1 + s/2 - .5 + i*s), limit, cubic)
  }
  const points = resample(part, places(fov.left, w, W, part.w), places(fov.top, h, H, part.h))
  return centred(bytes(resample(points, area(k*W, W), area(k*H, H))), size, size, fill)
}

function grahamGrey(img, retina, contrast = 24, maxGain = 12) { // photos/preprocess: graham_grey
  const {w, h, d} = img, size = longer(img), m = map(retina, v => v)
  const light = Float32Array.from({length: w*h}, (_, i) => .25*d[3*i] + .65*d[3*i + 1] + .1*d[3*i + 2])
  const y = blur(picture(w, h, 1, light), size/400)
  const local = blur(picture(w, h, 1, y.d.map((v, i) => v*m.d[i])), size/60), weight = blur(m, size/60)
  const edge = erode(retina, square(2*Math.max(1, round(.02*size)) + 1), 0)
  const diff = y.d.map((v, i) => edge.d[i]*(v - local.d[i]/Math.max(weight.d[i], 1e-3)))
  const gain = Math.min(maxGain, contrast/Math.max(sum(diff.map(Math.abs))/Math.max(count(edge), 1), 1e-3))
  const out = Uint8ClampedArray.from(diff, v => v*gain + 128)
  return picture(w, h, 3, Uint8Array.from({length: 3*w*h}, (_, i) => out[i/3 | 0]))
}

const retinaIn = (fov, size) => fitSquare(inside(fov), size)
export const squareOf = (img, fov, size) => grahamGrey(cutSquare(img, fov, size, 128), retinaIn(fov, size))

// ---- measures of quality (photos/quality)

const SIDE = 192
export function qualityView(img, fov) {
  let part = cut(img, fov)
  const k = Math.floor(longer(part)/SIDE)
  if (k > 1) {
    const w = Math.max(1, Math.floor(part.w/k)), h = Math.max(1, Math.floor(part.h/k))
    part = shrinkTo(crop(part, 0, Math.min(part.h, h*k), 0, Math.min(part.w, w*k)), w, h)
  }
  const all = fitSquare(inside(fov), SIDE), inner = erode(all, square(13), 0)
  return [fitSquare(part, SIDE), all, count(inner) > 280 ? inner : all]
}

const within = (d, m) => Float32Array.from(d).filter((_, i) => m.d[i])
const mean = a => a.length ? sum(a)/a.length : 0
const deviation = a => { const m = mean(a); return Math.sqrt(mean(a.map(v => (v - m)**2))) }
const share = (p, f, m) => within(p.d, m).filter(f).length/Math.max(count(m), 1)
function quantiles(d, m, shares) {
  const n = new Float64Array(256)
  for (const v of within(d, m)) n[v]++
  for (let i = 1; i < 256; i++) n[i] += n[i - 1]
  return shares.map(q => Math.max(n.findIndex(v => v >= q*n[255]), 0))
}
const difference = (a, b, m) => mean(within(a.d.map((v, i) => Math.abs(v - b.d[i])), m))

export function measure(view, all, inner, found) {
  const y = grey(view), yf = map(y, v => v), few = quarterMask(inner), tiny = quarter(yf)
  const [near, wide] = [.75, 3].map(s => blur(yf, s)), m = {
    fine: difference(yf, near, inner), middle: difference(near, wide, inner),
    coarse: difference(blur(tiny, .7), blur(tiny, 3), few)}
  const rgb = range(SIDE*SIDE).map(i => view.d.subarray(3*i, 3*i + 3))
  const high = Uint8Array.from(rgb, o => Math.max(...o)), span = Uint8Array.from(rgb, spanOf)
  ;[m.dim, m.light, m.bright] = quantiles(y.d, inner, [.05, .5, .95])
  const far = within(blur(map(bytes(tiny), v => v), 3).d, few)
  m.uneven = deviation(far)/Math.max(mean(far), 1)
  m.burnt = share({d: high}, v => v >= 250, inner)
  m.black = share(y, v => v < 20, inner)
  const saturation = span.map((v, i) => high[i] ? (v*round((255 << 12)/high[i]) + 2048) >> 12 : 0)
  const hue = rgb.map(([r, g, b], i) => {
    const v = span[i], a = high[i] === r ? g - b : high[i] === g ? b - r + 2*v : r - g + 4*v
    const h = v ? (a*round((180 << 12)/(6*v)) + 2048) >> 12 : 0
    return h < 0 ? h + 180 : h
  })
  let total = 0, re = 0, im = 0
  for (let i = 0; i < hue.length; i++) if (inner.d[i]) {
    total += saturation[i]
    re += saturation[i]*Math.cos(hue[i]*Math.PI/90)
    im += saturation[i]*Math.sin(hue[i]*Math.PI/90)
  }
  m.colour = quantiles(span, inner, [.95])[0]
  m.saturation = quantiles(saturation, inner, [.5])[0]
  m.warm = share({d: rgb.map(([r, g, b]) => r >= g && Math.min(g + 8, 255) >= b)}, Boolean, inner)
  m.one_hue = Math.hypot(re, im)/Math.max(total, .255)
  const light = bytes(tiny), tint = blur(map(bytes(quarter(view)), (v, i) => v - light.d[i/3 | 0]), .75)
  m.patches = mean([0, 1, 2].map(o => deviation(within(channel(tint, o), few))))
  return {...m, found: Number(found), field: count(all)/(Math.PI*SIDE*SIDE/4), contrast: m.middle/Math.max(m.light, 1),
    focus: m.fine/Math.max(m.coarse, .1), sharp: m.fine/Math.max(m.middle, .1)}
}

// ---- the view of the lesion maps (photos/lesions)

export function retinaView(img, fov, side = 768, step = 32) {
  const part = cut(img, fov), s = side/longer(part), [w, h] = [part.w, part.h].map(n => Math.max(2, round(n*s)))
  const at = s < .5 ? area : (n, m) => between(n, m, 0), m = inside(fov), [w2, h2] = [w >> 1, h >> 1]
  const [high, wide] = [h, w].map(n => Math.ceil(n/step)*step), near = resample(m, nearest(m.w, w2), nearest(m.h, h2))
  const retina = erode(centred(near, high >> 1, wide >> 1), square(7))
  return {picture: centred(bytes(resample(part, at(part.w, w), at(part.h, h))), high, wide), retina}
}
