// What a dropped file is, by its first bytes, and whether it is whole: '' where the browser can read it.

const u32 = (d, i) => ((d[i] << 24) | (d[i + 1] << 16) | (d[i + 2] << 8) | d[i + 3]) >>> 0
const u16 = (d, i) => d[i] << 8 | d[i + 1]
const text = (d, a, b) => String.fromCharCode(...d.subarray(a, b))

const KINDS = { // as base/kinds
  JPEG: /^\xff\xd8\xff/, PNG: /^\x89PNG/, WebP: /^RIFF[^]{4}WEBP/, BMP: /^BM[^]{4}\0\0\0\0/, TIFF: /^(II[*+]\0|MM\0[*+])/,
  GIF: /^GIF8/, 'JPEG 2000': /^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, AVIF: /^[^]{4}ftypavi[fs]/,
  HEIC: /^[^]{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)/, 'JPEG XL': /^(\xff\x0a|\0\0\0\x0cJXL )/, DICOM: /^([^]{128})?DICM/}
const EXTRAS = {DICOM: 'dicom', HEIC: 'phone', 'JPEG XL': 'phone'} // other formats need no extra

let table
function crc(d, a, b) {
  table ??= Uint32Array.from({length: 256}, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
    return n
  })
  let c = -1
  for (let i = a; i < b; i++) c = table[(c ^ d[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

function checkPng(d) { // width, height, or what is wrong
  if (d[24] === 16) return 'has 16 bits a channel'
  for (let at = 8; at + 12 <= d.length;) {
    const n = u32(d, at), end = at + 12 + n, kind = text(d, at + 4, at + 8)
    if (end > d.length) break
    if (!(d[at + 4] & 32) && crc(d, at + 4, end - 4) !== u32(d, end - 4)) return null
    if (kind === 'acTL') return 'holds several pictures'
    if (kind === 'IEND') return [u32(d, 16), u32(d, 20)]
    at = end
  }
  return null
}

function checkJpeg(d) {
  let size = null, several = false
  for (let at = 2; at + 4 <= d.length;) {
    if (d[at] !== 255) return null
    const marker = d[at + 1]
    if (marker === 255) { at++; continue }
    if (marker === 1 || marker >= 0xd0 && marker <= 0xd8) { at += 2; continue }
    const n = u16(d, at + 2)
    if (marker === 0xe2 && text(d, at + 4, at + 8) === 'MPF\0') several = true
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (![0xc0, 0xc2].includes(marker) || d[at + 4] !== 8) return 'is a JPEG of an unusual kind'
      if (d[at + 9] === 4) return 'is a JPEG of four colours'
      size = [u16(d, at + 7), u16(d, at + 5)]
    }
    if (marker === 0xda) { // the scans: is their end there?
      for (let i = d.length - 2; i > at; i--) if (d[i] === 255 && d[i + 1] === 0xd9) return several ? 'holds several pictures' : size
      return null
    }
    at += 2 + n
  }
  return null
}

export function checkFile(name, d, {max_pixels, min_side, extensions}) {
  if (!d.length) return `${name} is empty (0 bytes)`
  const head = text(d, 0, 160), kind = Object.keys(KINDS).find(k => KINDS[k].test(head)) ?? ''
  const python = extra => `dr_predict grades it (pip install "dr_nbdev${extra ? `[${extra}]` : ''}")`
  if (!kind) return `${name} is not an image: its content has no known format`
  if (!['JPEG', 'PNG', 'WebP', 'BMP'].includes(kind)) return `${name} is ${kind}, which this page does not read: ${python(EXTRAS[kind])}`
  const found = kind === 'JPEG' ? checkJpeg(d) : kind === 'PNG' ? checkPng(d) : []
  if (kind === 'WebP' && text(d, 12, 16) === 'VP8X' && d[20] & 2) return `${name} holds several pictures: save each as a file of its own`
  if (found === null) return `${name} is damaged or cut short`
  if (typeof found === 'string') return `${name} ${found}, which this page does not read: ${python('')}`
  const [w, h] = found
  if (w*h > max_pixels) return `${name} (${w}x${h}) is too large (more than ${max_pixels/1e6} million pixels): make it smaller`
  if (Math.min(w, h) < min_side) return `${name} has only ${w}x${h} pixels: too small to be graded`
  return ''
}
