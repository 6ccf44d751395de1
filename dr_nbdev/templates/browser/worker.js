// The work beside the page: fetch the networks, check them, and grade one photograph after another.

import {gradePixels} from './grade.js'
import {picture, reduce, shrinkTo} from './pixels.js'
import {checkFile, checkSize} from './files.js'

const here = name => new URL(name, import.meta.url) // this worker starts from a blob
let ort, settings, sessions

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

async function readSettings() {
  const names = ['settings', 'grader', 'evidence', 'reference']
  const read = await Promise.all(names.map(async name => (await fetch(here(`${name}.json`))).json()))
  names.slice(1).forEach((name, k) => { read[0][name] = read[k + 1] })
  return read[0]
}

async function chooseProvider(anyAdapter) { // a graphics card where there is one, not one that the processor imitates
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null)
  return adapter && (anyAdapter || !adapter.info?.isFallbackAdapter) ? 'webgpu' : 'wasm'
}

async function fetchNetworks(provider) {
  const [program, binary] = settings.runtimes[provider], names = ['grade.onnx', 'lesions.onnx', 'gate.onnx', binary]
  const had = {}, total = names.reduce((n, name) => n + settings.files[name].size, 0)
  const tell = name => n => {
    had[name] = n
    postMessage({kind: 'progress', loaded: Object.values(had).reduce((a, b) => a + b), total})
  }
  const [module, ...data] = await Promise.all(
    [import(here(program)), ...names.map(name => fetchAll(name, settings.files[name], tell(name)))])
  ort = module
  ort.env.logLevel = 'error'
  ort.env.wasm.wasmBinary = data.pop()
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  return {total, grade: data[0], lesions: data[1], gate: data[2]}
}

const open = (data, provider) =>
  ort.InferenceSession.create(data, {executionProviders: [provider], logSeverityLevel: 3})

async function compute(session, inputs) {
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, [d, dims]]) =>
    [name, new ort.Tensor(d instanceof Uint8Array ? 'uint8' : 'float32', d, dims)]))
  return Object.fromEntries(Object.entries(await session.run(tensors)).map(([name, o]) => [name, o.data]))
}
const run = (name, inputs) => compute(sessions[name], inputs)

// ---- the check on test pictures, as every machine does it (networks/network: probe_squares)

function probe(size, i) {
  const d = new Uint8Array(size*size*3), div = (a, b) => Math.floor(a/b)
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if ((2*x - size)**2 + (2*y - size)**2 < size**2)
    for (let c = 0; c < 3; c++) {
      const grain = (div(x, i + 1)*7919 + div(y, i + 1)*104729 + c*1299709)**2 % (7 + 16*i)
      const value = 128 + div((x - y)*(20 + 10*i), size) + 10*c*i + grain
      d[(y*size + x)*3 + c] = Math.min(Math.max(value, 0), 255)
    }
  return d
}

async function scoresApart() { // from those of PyTorch
  const {size} = settings.grader.preprocess
  let apart = 0
  for (const [i, known] of settings.grader.onnx.scores.entries()) {
    const {score: [s]} = await run('grade', {squares: [probe(size, i), [1, size, size, 3]]})
    apart = Math.max(apart, Math.abs(s - known))
  }
  return apart
}

async function mapsApart(data) { // from those of the processor
  const {side} = settings.lesions, gain = [new Float32Array(3).fill(1), [1, 3]]
  const inputs = {picture: [probe(side, 2), [1, side, side, 3]], gain}
  const [a, b] = [await compute(sessions.lesions, inputs), await compute(await open(data.lesions, 'wasm'), inputs)]
  return a.maps.reduce((most, v, i) => Math.max(most, Math.abs(v - b.maps[i])), 0)
}

async function openAll(data, provider) { // the processor takes over where a graphics card is inexact
  sessions = {gate: await open(data.gate, 'wasm')} // too small for a card
  for (const name of ['grade', 'lesions']) sessions[name] = await open(data[name], provider)
  const apart = await scoresApart(), exact = apart < settings.tolerance // also false for NaN
  if (provider === 'wasm') {
    if (!exact) throw Error(`this browser computes other scores than Python (by ${apart.toFixed(3)}): not used`)
    return {apart, provider}
  }
  return exact && await mapsApart(data) < settings.tolerance ? {apart, provider} : openAll(data, 'wasm')
}

async function load(anyAdapter) {
  if (typeof WebAssembly !== 'object') throw Error('this browser has no WebAssembly: take another, or install dr_nbdev')
  settings = await readSettings()
  const wish = await chooseProvider(anyAdapter), data = await fetchNetworks(wish)
  const {apart, provider} = await openAll(data, wish), {numThreads: threads} = ort.env.wasm
  settings.engine = `onnxruntime-web ${provider} float32`
  const shown = {...settings, quality: {...settings.quality, trees: null}}
  return {apart, provider, threads, total: data.total, settings: shown}
}

// ---- one photograph

function reader(bitmap) { // returns the picture at 1/n of its scale; strips keep large photographs out of the memory
  const {width: w, height: h} = bitmap, rows = Math.min(h, Math.max(8, Math.ceil(4e6/w/8)*8))
  const canvas = new OffscreenCanvas(w, rows), pen = canvas.getContext('2d', {willReadFrequently: true})
  const strip = y => {
    const high = Math.min(rows, h - y), d = new Uint8ClampedArray(w*high*3)
    pen.fillStyle = '#000' // what is transparent is black
    pen.fillRect(0, 0, w, rows)
    pen.drawImage(bitmap, 0, y, w, high, 0, 0, w, high)
    const rgba = pen.getImageData(0, 0, w, high).data
    for (let i = 0, j = 0; j < d.length; i++) if (i % 4 < 3) d[j++] = rgba[i]
    return picture(w, high, 3, d)
  }
  return n => {
    const W = Math.ceil(w/n), H = Math.ceil(h/n), out = picture(W, H, 3, new Uint8ClampedArray(W*H*3))
    for (let y = 0; y < h; y += rows) out.d.set((n > 1 ? reduce(strip(y), n) : strip(y)).d, Math.floor(y/n)*W*3)
    return out
  }
}

async function asFile(w, h, rgba, type) {
  const canvas = new OffscreenCanvas(w, h)
  canvas.getContext('2d').putImageData(new ImageData(rgba, w, h), 0, 0)
  return canvas.convertToBlob({type, quality: .9})
}

function asJpeg({w, h, d}) {
  const rgba = new Uint8ClampedArray(w*h*4).fill(255)
  for (let i = 0; i < w*h; i++) rgba.set(d.subarray(3*i, 3*i + 3), 4*i)
  return asFile(w, h, rgba, 'image/jpeg')
}

const STEPS = [-1, 0, 1].flatMap(v => [-1, 0, 1].map(u => [u, v]))
function marksFile({w, h, d}, colour) { // the marks of a lesion, to lay over the photograph: rims are opaque
  const rgba = new Uint8ClampedArray(w*h*4), on = (x, y) => x >= 0 && y >= 0 && x < w && y < h && d[y*w + x]
  for (let i = 0; i < w*h; i++) {
    const rim = !d[i] && STEPS.some(([u, v]) => on(i % w + u, (i/w | 0) + v))
    if (rim || d[i]) rgba.set([...colour, rim ? 255 : 70], 4*i)
  }
  return asFile(w, h, rgba, 'image/png')
}

function framed(img, {mask, visible}) { // the whole photograph, with the outline of the field that was found
  const s = Math.min(1, 480/Math.max(img.w, img.h)), [w, h] = [img.w, img.h].map(n => Math.round(n*s))
  const out = shrinkTo(img, w, h)
  const on = (x, y) => x >= 0 && y >= 0 && x < w && y < h && mask.d[(y*mask.h/h | 0)*mask.w + (x*mask.w/w | 0)]
  const edge = (x, y) => on(x, y) && !(on(x - 2, y) && on(x + 2, y) && on(x, y - 2) && on(x, y + 2))
  if (visible) for (let i = 0; i < w*h; i++) if (edge(i % w, i/w | 0)) out.d.set([0, 230, 255], 3*i)
  return asJpeg(out)
}

async function grade(file, name, mode) { // a row, and the pictures of its card
  const unreadable = message => ({row: {status: 'unreadable', quality: '', message}})
  const data = await file.arrayBuffer().catch(() => null)
  if (!data) return unreadable(`${name} can't be read: it is a folder, or was moved, changed or removed meanwhile`)
  const refused = checkFile(name, new Uint8Array(data), settings)
  if (refused) return unreadable(refused)
  let bitmap
  try { bitmap = await createImageBitmap(file, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'}) }
  catch { return unreadable(`${name} is damaged or cut short, or too large for this browser`) }
  try {
    const {width, height} = bitmap, bad = checkSize(name, width, height, settings)
    if (bad) return unreadable(bad)
    const {row, img, fov, view, evidence} = await gradePixels(reader(bitmap), [height, width], mode, settings, run)
    const out = {row, frame: await framed(img, fov)}
    if (!evidence?.marks) return out
    const {names, colors} = settings.lesions, [{w, h}] = evidence.marks
    const layers = names.map((o, k) => row[o] ? marksFile(evidence.marks[k], colors[o]) : null)
    return {...out, retina: await asJpeg(shrinkTo(view.picture, w, h)), layers: await Promise.all(layers)}
  } finally { bitmap.close() }
}

function reasonOf(e) {
  const memory = e instanceof RangeError || /memory|allocat/i.test(e.message)
  return memory ? 'there is not enough memory for this in the browser: dr_predict needs less' : e.message
}

onmessage = async ({data: {kind, id, file, name, mode, anyAdapter}}) => {
  try {
    if (kind === 'load') return postMessage({kind: 'ready', ...await load(anyAdapter)})
    postMessage({kind: 'graded', id, ...await grade(file, name, mode)})
  } catch (e) {
    if (kind === 'load') return postMessage({kind: 'broken', message: reasonOf(e)})
    postMessage({kind: 'graded', id, row: {status: 'failed', message: reasonOf(e), quality: ''}})
  }
}
