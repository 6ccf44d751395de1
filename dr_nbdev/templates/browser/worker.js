// The work beside the page: fetch the networks, check them, and grade one photograph after another.

import * as ort from './ort.wasm.bundle.min.mjs'
import {gradePixels} from './grade.js'
import {bytes, picture, resample, area, reduce} from './pixels.js'
import {checkFile} from './files.js'

const here = name => new URL(name, import.meta.url) // this worker starts from a blob
let settings, sessions = {}

// ---- loading

async function fetchAll(name, {size, integrity}, tell) {
  const answer = await fetch(here(name))
  if (!answer.ok) throw Error(`${name} can't be fetched (${answer.status})`)
  const data = new Uint8Array(size), reader = answer.body.getReader()
  for (let at = 0;;) {
    const {done, value} = await reader.read()
    if (done) break
    if (at + value.length > size) throw Error(`${name} is not the file that belongs to this page`)
    data.set(value, at)
    tell(at += value.length)
  }
  const url = URL.createObjectURL(new Blob([data])) // the browser compares the hash
  try { await fetch(url, {integrity}) }
  catch { throw Error(`${name} is damaged, or not the file that belongs to this page: load it again`) }
  finally { URL.revokeObjectURL(url) }
  return data
}

function probe(size, i) { // one of the squares on which every machine is compared with PyTorch (networks/network)
  const d = new Uint8Array(size*size*3), div = (a, b) => Math.floor(a/b)
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if ((2*x - size)**2 + (2*y - size)**2 < size**2)
    for (let c = 0; c < 3; c++) {
      const grain = (div(x, i + 1)*7919 + div(y, i + 1)*104729 + c*1299709)**2 % (7 + 16*i)
      const value = 128 + div((x - y)*(20 + 10*i), size) + 10*c*i + grain
      d[(y*size + x)*3 + c] = Math.min(Math.max(value, 0), 255)
    }
  return d
}

async function run(name, inputs) {
  const tensors = Object.fromEntries(Object.entries(inputs).map(([k, [d, dims]]) =>
    [k, new ort.Tensor(d instanceof Uint8Array ? 'uint8' : 'float32', d, dims)]))
  const out = await sessions[name].run(tensors)
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, v.data]))
}

async function load() {
  if (typeof WebAssembly !== 'object') throw Error('this browser has no WebAssembly: take a newer one, or install dr_nbdev')
  const json = async name => (await fetch(here(name))).json()
  settings = await json('settings.json')
  const parts = ['grader', 'evidence', 'reference'], read = await Promise.all(parts.map(o => json(`${o}.json`)))
  parts.forEach((o, k) => settings[o] = read[k])
  const files = Object.entries(settings.files), total = files.reduce((n, [, o]) => n + o.size, 0), had = {}
  const tell = name => n => {
    had[name] = n
    postMessage({kind: 'progress', loaded: Object.values(had).reduce((a, b) => a + b, 0), total})
  }
  const data = Object.fromEntries(await Promise.all(files.map(async ([name, o]) => [name, await fetchAll(name, o, tell(name))])))
  ort.env.wasm.wasmBinary = data['ort-wasm-simd-threaded.wasm']
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  for (const name of ['grade', 'lesions', 'gate'])
    sessions[name] = await ort.InferenceSession.create(data[`${name}.onnx`], {executionProviders: ['wasm']})
  const {size} = settings.grader.preprocess, known = settings.grader.onnx.scores
  let off = 0
  for (let i = 0; i < known.length; i++) {
    const {score: [s]} = await run('grade', {squares: [probe(size, i), [1, size, size, 3]]})
    off = Math.max(off, Math.abs(s - known[i]))
  }
  if (!(off < settings.tolerance)) throw Error(`this browser computes other scores than Python (by ${off.toFixed(3)}): not used`)
  return {off, total, threads: ort.env.wasm.numThreads, settings: {...settings, quality: {...settings.quality, trees: null}}}
}

// ---- one photograph

function reader(bitmap) { // returns the picture at 1/n of its scale, strip by strip: large photographs need little memory
  const {width: w, height: h} = bitmap, rows = Math.min(h, Math.max(8, Math.ceil(4e6/w/8)*8))
  const canvas = new OffscreenCanvas(w, rows), pen = canvas.getContext('2d', {willReadFrequently: true})
  return n => {
    const W = Math.ceil(w/n), out = picture(W, Math.ceil(h/n), 3, new Uint8ClampedArray(W*Math.ceil(h/n)*3))
    for (let y = 0; y < h; y += rows) {
      const high = Math.min(rows, h - y)
      pen.fillStyle = '#000' // what is transparent is black
      pen.fillRect(0, 0, w, rows)
      pen.drawImage(bitmap, 0, y, w, high, 0, 0, w, high)
      const rgba = pen.getImageData(0, 0, w, high).data, d = new Uint8ClampedArray(w*high*3)
      for (let i = 0, j = 0; j < d.length; i += 4, j += 3) { d[j] = rgba[i]; d[j + 1] = rgba[i + 1]; d[j + 2] = rgba[i + 2] }
      const strip = picture(w, high, 3, d)
      out.d.set((n > 1 ? reduce(strip, n) : strip).d, Math.floor(y/n)*W*3)
    }
    return out
  }
}

async function asFile({w, h, d, c}, type, colour) { // a picture, or a mask in a colour with its rim, as a file
  const canvas = new OffscreenCanvas(w, h), pen = canvas.getContext('2d'), image = pen.createImageData(w, h)
  const on = (x, y) => x >= 0 && y >= 0 && x < w && y < h && d[y*w + x]
  for (let i = 0; i < w*h; i++) {
    if (c === 3) { image.data.set(d.subarray(3*i, 3*i + 3), 4*i); image.data[4*i + 3] = 255; continue }
    const x = i % w, y = i/w | 0, rim = !d[i] && [-1, 0, 1].some(v => [-1, 0, 1].some(u => on(x + u, y + v)))
    image.data.set([...colour, rim ? 255 : d[i] ? 70 : 0], 4*i)
  }
  pen.putImageData(image, 0, 0)
  return canvas.convertToBlob({type, quality: .9})
}

async function framed(img, {mask, visible}) { // the whole photograph, with the outline of the field that was found
  const s = Math.min(1, 480/Math.max(img.w, img.h)), w = Math.round(img.w*s), h = Math.round(img.h*s)
  const small = bytes(resample(img, area(img.w, w), area(img.h, h)))
  const on = (x, y) => x >= 0 && y >= 0 && x < w && y < h && mask.d[(y*mask.h/h | 0)*mask.w + (x*mask.w/w | 0)]
  if (visible) for (let y = 0; y < h; y++) for (let x = 0; x < w; x++)
    if (on(x, y) && !(on(x - 2, y) && on(x + 2, y) && on(x, y - 2) && on(x, y + 2))) small.d.set([0, 230, 255], (y*w + x)*3)
  return asFile(small, 'image/jpeg')
}

async function grade(file, name, mode) {
  const refused = checkFile(name, new Uint8Array(await file.arrayBuffer()), settings)
  if (refused) return {row: {status: 'unreadable', message: refused, quality: ''}}
  let bitmap
  try { bitmap = await createImageBitmap(file, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'}) }
  catch { return {row: {status: 'unreadable', quality: '', message: `${name} is damaged or cut short, or too large for this browser`}} }
  try {
    const {row, img, fov, view, evidence} = await gradePixels(reader(bitmap), [bitmap.height, bitmap.width], mode, settings, run)
    const out = {row, frame: await framed(img, fov)}
    if (!evidence?.marks) return out
    const {w, h} = evidence.marks[0], half = bytes(resample(view.picture, area(view.picture.w, w), area(view.picture.h, h)))
    const {names, colors} = settings.lesions
    out.layers = await Promise.all(names.map((o, k) => row[o] ? asFile(evidence.marks[k], 'image/png', colors[o]) : null))
    return {...out, retina: await asFile(half, 'image/jpeg')}
  } finally { bitmap.close() }
}

onmessage = async ({data: {kind, id, file, name, mode}}) => {
  try {
    if (kind === 'load') return postMessage({kind: 'ready', ...await load()})
    const began = performance.now(), out = await grade(file, name, mode)
    postMessage({kind: 'graded', id, ...out, ms: performance.now() - began})
  } catch (e) {
    const memory = e instanceof RangeError || /memory|allocat/i.test(e.message)
    const message = memory ? 'there is not enough memory for this in the browser: dr_predict needs less' : e.message
    postMessage(kind === 'load' ? {kind: 'broken', message} : {kind: 'graded', id, row: {status: 'failed', message, quality: ''}})
  }
}
