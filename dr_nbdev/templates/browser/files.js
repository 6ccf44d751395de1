// What a dropped file is, by its first bytes, and whether it is whole: a damaged one gets its reason, and no grade.

const u16 = (d, i) => d[i] << 8 | d[i + 1]
const u32 = (d, i) => (u16(d, i)*65536) + u16(d, i + 2)
const text = (d, a, b) => String.fromCharCode(...d.subarray(a, b))

const KINDS = { // as in base/kinds
  JPEG: /^\xff\xd8\xff/, PNG: /^\x89PNG/, WebP: /^RIFF[^]{4}WEBP/, BMP: /^BM[^]{4}\0\0\0\0/,
  TIFF: /^(II[*+]\0|MM\0[*+])/, GIF: /^GIF8/, 'JPEG 2000': /^(\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/,
  AVIF: /^[^]{4}ftypavi[fs]/, HEIC: /^[^]{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)/,
  'JPEG XL': /^(\xff\x0a|\0\0\0\x0cJXL )/, DICOM: /^([^]{128})?DICM/}
const EXTRAS = {DICOM: 'dicom', HEIC: 'phone', 'JPEG XL': 'phone'} // the package reads the others without an extra

let table
function crc(d, a, b) { // of a piece of a PNG
  table ??= Uint32Array.from({length: 256}, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
    return n
  })
  let c = -1
  for (let i = a; i < b; i++) c = table[(c ^ d[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

const DAMAGED = {damaged: true}, other = words => ({other: words}), sized = (w, h) => ({w, h})
const SEVERAL = other('holds several pictures'), TURNED = other('is turned by a tag that not every browser obeys')

function turnedBy(d, at) { // orientation that EXIF asks for, 1 to 8; 0: none
  const little = d[at] === 73, two = i => little ? u16([d[i + 1], d[i]], 0) : u16(d, i)
  const first = at + (little ? two(at + 4) + 65536*two(at + 6) : u32(d, at + 4))
  for (let i = first + 2, end = first + 2 + 12*two(first); i < end && i < d.length; i += 12)
    if (two(i) === 0x112) return two(i + 8)
  return 0
}
const turnedByXmp = d => Number(/tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder().decode(d))?.[1] ?? 0)

function lookAtWebp(d) {
  let exif = 0, xmp = 0
  for (let at = 12; at + 8 <= d.length;) {
    const size = d[at + 4] + 256*d[at + 5] + 65536*u16([d[at + 7], d[at + 6]], 0), kind = text(d, at, at + 4)
    if (kind === 'VP8X' && d[at + 8] & 2) return SEVERAL
    if (kind === 'EXIF') exif = turnedBy(d, at + (text(d, at + 8, at + 12) === 'Exif' ? 14 : 8))
    if (kind === 'XMP ') xmp = turnedByXmp(d.subarray(at + 8, at + 8 + size))
    at += 8 + size + size % 2
  }
  return (exif || xmp) > 1 ? TURNED : {}
}

function lookAtPng(d) {
  let exif = 0, xmp = 0
  if (d[24] === 16) return other('has 16 bits a channel')
  for (let at = 8; at + 12 <= d.length;) {
    const end = at + 12 + u32(d, at), kind = text(d, at + 4, at + 8)
    if (end > d.length || crc(d, at + 4, end - 4) !== u32(d, end - 4)) return DAMAGED
    if (kind === 'acTL') return SEVERAL
    if (kind === 'eXIf') exif = turnedBy(d, at + 8)
    if (kind === 'iTXt') xmp ||= turnedByXmp(d.subarray(at + 8, end))
    if (kind === 'IEND') return (exif || xmp) > 1 ? TURNED : sized(u32(d, 16), u32(d, 20))
    at = end
  }
  return DAMAGED
}

function endOfScans(d, at) { // is it there?
  for (let i = d.length - 2; i > at; i--) if (d[i] === 255 && d[i + 1] === 0xd9) return true
  return false
}

function lookAtJpeg(d) {
  let found = null, exif = 0, xmp = 0
  for (let at = 2; at + 4 <= d.length && d[at] === 255;) {
    const marker = d[at + 1], frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (marker === 255 || marker === 1 || marker >= 0xd0 && marker <= 0xd8) { at += marker === 255 ? 1 : 2; continue }
    if (marker === 0xe2 && text(d, at + 4, at + 8) === 'MPF\0') return SEVERAL
    if (frame && (![0xc0, 0xc2].includes(marker) || d[at + 4] !== 8)) return other('is a JPEG of an unusual kind')
    if (frame && d[at + 9] === 4) return other('is a JPEG of four colours')
    if (frame) found = sized(u16(d, at + 7), u16(d, at + 5))
    if (marker === 0xda && !exif && xmp > 1) return TURNED // all browsers obey EXIF in a JPEG
    if (marker === 0xda) return endOfScans(d, at) && found || DAMAGED
    const end = at + 2 + u16(d, at + 2)
    if (marker === 0xe1 && text(d, at + 4, at + 8) === 'Exif') exif ||= turnedBy(d, at + 10)
    else if (marker === 0xe1) xmp ||= turnedByXmp(d.subarray(at + 4, end))
    at = end
  }
  return DAMAGED
}

export function checkSize(name, w, h, {max_pixels: most, min_side: least}) {
  if (w*h > most) return `${name} (${w}x${h}) is too large (more than ${most/1e6} million pixels): make it smaller`
  return Math.min(w, h) < least ? `${name} has only ${w}x${h} pixels: too small to be graded` : ''
}

export function checkFile(name, d, settings) { // '' where this page can read it, otherwise the reason
  if (!d.length) return `${name} is empty (0 bytes)`
  const head = text(d, 0, 160), kind = Object.keys(KINDS).find(k => KINDS[k].test(head))
  const elsewhere = (what, extra = '') => `${name} ${what}, which this page does not read: ` +
    `dr_predict grades it (pip install "dr_nbdev${extra && `[${extra}]`}")`
  if (!kind) return `${name} is not an image: its content has no known format`
  if (!['JPEG', 'PNG', 'WebP', 'BMP'].includes(kind)) return elsewhere(`is ${kind}`, EXTRAS[kind])
  const found = {JPEG: lookAtJpeg, PNG: lookAtPng, WebP: lookAtWebp, BMP: () => ({})}[kind](d)
  if (found.damaged) return `${name} is damaged or cut short`
  if (found === SEVERAL)
    return `${name} ${found.other}: save each as a file of its own, or try dr_predict, which knows small previews`
  if (found.other) return elsewhere(found.other)
  return found.w ? checkSize(name, found.w, found.h, settings) : ''
}
