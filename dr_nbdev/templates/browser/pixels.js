// What fundus.js needs of a picture library. A picture is {w, h, c, d}: width, height, channels and values, row by row.
// A mask is a picture of zeros and ones. Rounding, borders and weights are those of OpenCV.

export const picture = (w, h, c = 1, d = new Float32Array(w*h*c)) => ({w, h, c, d})
export const bytes = p => picture(p.w, p.h, p.c, Uint8ClampedArray.from(p.d)) // rounds half to even, and clips
export const halfUp = p => picture(p.w, p.h, p.c, Uint8ClampedArray.from(p.d, v => Math.floor(v + .5)))
export const map = (p, f) => picture(p.w, p.h, p.c, Float32Array.from(p.d, f))
export const range = n => Array.from({length: n}, (_, i) => i)
export const round = x => { const r = Math.round(x); return r - x === .5 && r % 2 ? r - 1 : r } // half to even
export const clip = (x, a, b) => Math.min(Math.max(x, a), b)
export const sum = a => a.reduce((x, y) => x + y, 0)
export const count = mask => sum(mask.d)
export const median = a => {
  const s = Float64Array.from(a).sort(), n = s.length
  return (s[n >> 1] + s[(n - 1) >> 1])/2
}
export const longer = p => Math.max(p.w, p.h)

// ---- resampling: for each column or row of the result, the places that it is made of, and their weights

export function resample({w, h, c, d}, xs, ys) {
  const W = xs.length, H = ys.length, mid = new Float32Array(h*W*c), out = picture(W, H, c)
  const ends = Int32Array.from(xs, (n => ([a]) => n += a.length)(0))
  const places = Int32Array.from(xs.flatMap(([a]) => a)), weights = Float32Array.from(xs.flatMap(([, b]) => b))
  for (let y = 0, j = 0; y < h; y++) for (let x = 0; x < W; x++) for (let o = 0; o < c; o++, j++) {
    let v = 0
    for (let k = x ? ends[x - 1] : 0; k < ends[x]; k++) v += weights[k]*d[(y*w + places[k])*c + o]
    mid[j] = v
  }
  for (let y = 0; y < H; y++) for (let [at, by] = ys[y], k = 0; k < at.length; k++)
    for (let i = at[k]*W*c, j = y*W*c, end = j + W*c; j < end; i++, j++) out.d[j] += by[k]*mid[i]
  return out
}

export const area = (n, m, s = n/m) => range(m).map(x => { // the mean over the covered pixels
  const a = x*s, b = Math.min(a + s, n), at = [], by = []
  for (let i = Math.floor(a + 1e-3); i < Math.ceil(b - 1e-3); i++) {
    at.push(i)
    by.push((Math.min(i + 1, b) - Math.max(i, a))/(b - a))
  }
  return [at, by]
})

const cubicWeights = t => {
  const A = -.75, far = u => ((A*u - 5*A)*u + 8*A)*u - 4*A, near = u => ((A + 2)*u - (A + 3))*u*u + 1
  return [far(1 + t), near(t), near(1 - t), far(2 - t)]
}
export const at = (places, n, cubic) => places.map(f => { // the edge goes on outside
  const i = Math.floor(f), t = f - i
  return [range(cubic ? 4 : 2).map(k => clip(i + k - cubic, 0, n - 1)), cubic ? cubicWeights(t) : [1 - t, t]]
})
export const between = (n, m, cubic) => at(range(m).map(x => (x + .5)*n/m - .5), n, cubic)
export const nearest = (n, m) => range(m).map(x => [[Math.min(Math.floor(x*n/m), n - 1)], [1]])

const mirrored = (i, n) => { while (i < 0 || i >= n) i = n < 2 ? 0 : i < 0 ? -i : 2*n - 2 - i; return i }
const around = (n, weights) => range(n).map(x =>
  [weights.map((_, k) => mirrored(x + k - (weights.length >> 1), n)), weights])
const gaussWeights = sigma => {
  const r = (round(sigma*8 + 1) | 1) >> 1, a = range(2*r + 1).map(i => Math.exp(-((i - r)**2)/(2*sigma*sigma)))
  return a.map(v => v/sum(a))
}
export const smooth = (p, weights) => resample(p, around(p.w, weights), around(p.h, weights))
export const blur = (p, sigma) => smooth(p, gaussWeights(sigma))
export const shrinkTo = (p, w, h) => // OpenCV rounds a half up where the side is halved
  (p.w === 2*w && p.h === 2*h ? halfUp : bytes)(resample(p, area(p.w, w), area(p.h, h)))
export const reduce = (p, n) => // blocks of n x n pixels become one, as Pillow makes them
  halfUp(resample(p, area(p.w, Math.ceil(p.w/n), n), area(p.h, Math.ceil(p.h/n), n)))
export const quarter = p => resample(p, area(p.w, round(p.w/4), 4), area(p.h, round(p.h/4), 4))
export const quarterMask = p => resample(p, nearest(p.w, round(p.w/4)), nearest(p.h, round(p.h/4)))

// ---- pieces of pictures

export function crop(p, top, bottom, left, right) {
  const out = picture(right - left, bottom - top, p.c, new p.d.constructor((right - left)*(bottom - top)*p.c))
  for (let y = top; y < bottom; y++)
    out.d.set(p.d.subarray((y*p.w + left)*p.c, (y*p.w + right)*p.c), (y - top)*out.w*p.c)
  return out
}

export function centred(p, h, w, fill = 0) {
  const out = picture(w, h, p.c, new p.d.constructor(w*h*p.c).fill(fill)), y0 = (h - p.h) >> 1, x0 = (w - p.w) >> 1
  for (let y = 0; y < p.h; y++) out.d.set(p.d.subarray(y*p.w*p.c, (y + 1)*p.w*p.c), ((y + y0)*w + x0)*p.c)
  return out
}

export const fitting = (h, w, size) => [w, h].map(n => Math.max(1, round(n*size/Math.max(h, w))))
export function fitSquare(p, size, fill = 0) {
  const [w, h] = fitting(p.h, p.w, size)
  const part = longer(p) > size ? shrinkTo(p, w, h) : bytes(resample(p, between(p.w, w, 1), between(p.h, h, 1)))
  return centred(part, size, size, fill)
}

export const grey = ({w, h, d}) => picture(w, h, 1, Uint8ClampedArray.from({length: w*h},
  (_, i) => (d[3*i]*9798 + d[3*i + 1]*19235 + d[3*i + 2]*3735 + 16384) >> 15))

// ---- masks

export const square = n => range(n).map(i => [i - (n >> 1), n >> 1]) // rows of a kernel: offset and half width
export const disc = n => range(n).map(i => { const r = n >> 1; return [i - r, round(r*Math.sqrt(1 - ((i - r)/r)**2))] })

export function dilate({w, h, d}, kernel, outside = 0) {
  const n = new Int32Array((w + 1)*h), out = picture(w, h, 1, new Uint8Array(w*h))
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) n[y*(w + 1) + x + 1] = n[y*(w + 1) + x] + d[y*w + x]
  for (const [dy, r] of kernel) for (let y = 0; y < h; y++) {
    const at = (y + dy)*(w + 1), beyond = y + dy < 0 || y + dy >= h
    for (let x = 0; x < w; x++) {
      if (beyond ? outside : outside && (x < r || x + r >= w)) out.d[y*w + x] = 1
      else if (!beyond && n[at + Math.min(x + r + 1, w)] > n[at + Math.max(x - r, 0)]) out.d[y*w + x] = 1
    }
  }
  return out
}
const not = p => picture(p.w, p.h, 1, Uint8Array.from(p.d, v => v ? 0 : 1))
export const erode = (p, kernel, outside = 1) => not(dilate(not(p), kernel, 1 - outside))
export const close = (p, kernel) => erode(dilate(p, kernel), kernel)
export const open = (p, kernel) => dilate(erode(p, kernel), kernel)
export const mask = (w, h, f) => picture(w, h, 1, Uint8Array.from({length: w*h}, (_, i) => f(i) ? 1 : 0))

export function pieces({w, h, d}) { // labels from 1; of each piece its area, box and sums of the places
  const labels = new Int32Array(w*h), found = [], todo = []
  for (let start = 0; start < w*h; start++) if (d[start] && !labels[start]) {
    const p = {area: 0, left: w, right: -1, top: h, bottom: -1, x: 0, y: 0}
    labels[start] = found.push(p)
    todo.push(start)
    while (todo.length) {
      const i = todo.pop(), x = i % w, y = (i - x)/w
      p.area++; p.x += x; p.y += y
      p.left = Math.min(p.left, x); p.right = Math.max(p.right, x)
      p.top = Math.min(p.top, y); p.bottom = Math.max(p.bottom, y)
      for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, h - 1); v++)
        for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, w - 1); u++)
          if (d[v*w + u] && !labels[v*w + u]) { labels[v*w + u] = found.length; todo.push(v*w + u) }
    }
  }
  return {labels, found}
}

const turn = (a, b, c) => (b[0] - a[0])*(c[1] - a[1]) - (b[1] - a[1])*(c[0] - a[0])
function hull(points) { // sorted by row, then column
  const half = all => all.reduce((out, p) => {
    while (out.length > 1 && turn(out.at(-2), out.at(-1), p) <= 0) out.pop()
    out.push(p)
    return out
  }, [])
  return [...half(points), ...half([...points].reverse()).slice(1)]
}

function line([ax, ay], [bx, by], reach) { // as OpenCV draws it: from left to right, a tie stays behind
  if (ax > bx) return line([bx, by], [ax, ay], reach)
  const dx = bx - ax, dy = Math.abs(by - ay), n = Math.max(dx, dy), down = Math.sign(by - ay)
  const step = (k, side) => n ? Math.ceil(k*side/n - .5) : 0
  for (let k = 0; k <= n; k++) reach(ax + (dx < n ? step(k, dx) : k), ay + down*(dy < n ? step(k, dy) : k))
}

function side([ax, ay], [bx, by], reach) { // where the rows between two corners end, in 65536ths of a pixel
  if (ay > by) return side([bx, by], [ax, ay], reach)
  const n = by - ay, slope = n ? Math.trunc(((bx - ax)*131072 + n)/(2*n)) : 0
  for (let k = 0; k <= n; k++) reach(Math.floor((ax*65536 + k*slope + 32768)/65536), ay + k)
}

export function largestPiece(p) { // made convex
  const {labels, found} = pieces(p), out = mask(p.w, p.h, () => 0)
  if (!found.length) return out
  const most = found.reduce((a, b) => b.area > a.area ? b : a), me = found.indexOf(most) + 1, ends = []
  for (let y = most.top; y <= most.bottom; y++) {
    const row = labels.subarray(y*p.w, (y + 1)*p.w)
    ends.push([row.indexOf(me), y], [row.lastIndexOf(me), y])
  }
  const low = [], high = [], corners = hull(ends)
  const reach = (x, y) => { low[y] = Math.min(low[y] ?? x, x); high[y] = Math.max(high[y] ?? x, x) }
  corners.forEach((a, i) => { for (const draw of [line, side]) draw(a, corners[(i + 1) % corners.length], reach) })
  low.forEach((x, y) => out.d.fill(1, y*p.w + x, y*p.w + high[y] + 1))
  return out
}
