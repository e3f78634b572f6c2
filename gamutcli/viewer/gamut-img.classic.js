// gamut-img.classic.js: gamut.js, gamut-pixels.js, gamut-webgl2.js and gamut-img.js in one classic script: it registers
// <gamut-img> and gives pages `gamut.render` and its like. Made from them by `make classic`; change those. MIT licence.
(() => {
"use strict";
const SCRIPT = globalThis.document?.currentScript?.src;
// gamut.js: an sRGB file that carries a payload of `gamut reduce` becomes its wide-gamut picture again. MIT licence.
// Written from docs/FORMAT.md of gamutcli, whose sections number those here; docs/WEB.md says how it is used. It reads files and
// draws on canvases; when pixels are to be restored it loads gamut-webgl2.js or, where there is no GPU, gamut-pixels.js.

/** `code` is "no-payload", "damaged", "version", "changed", "unsupported" or "noise". */
class GamutError extends Error {
  name = "GamutError";
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
const damaged = (message) => new GamutError("damaged", message);
const unsupported = (message) => new GamutError("unsupported", message);
const unknown = (what) => new GamutError("version", `${what} of the payload is unknown here: a newer program is needed`);

// 1. Finding the payload

const NAMESPACE = "https://gamutcli.github.io/ns/1.0/";
const PART = /gamut1:([0-9]{1,3})\/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})/g;
const MAX_TEXT = 8 << 20, MAX_PAYLOAD = 4 << 20, MAX_COPIES = 4, MAX_WAYS = 64;

const ascii = (bytes, start, end) => new TextDecoder("latin1").decode(bytes.subarray(start, end));
const startsWith = (bytes, text, at = 0) => [...text].every((letter, k) => bytes[at + k] === letter.charCodeAt(0));
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const joined = async (pieces) => new Uint8Array(await new Blob(pieces).arrayBuffer());

/** Take a file apart. `bare` is the file without metadata: browsers decode it as it is stored, not turned, not converted. */
async function takeApart(bytes) {
  const file = { type: "", xmp: [], exif: [], extended: [], bare: [] };
  if (startsWith(bytes, "\xff\xd8")) takeJpegApart(bytes, file);
  else if (startsWith(bytes, "\x89PNG\r\n")) await takePngApart(bytes, file);
  else if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) takeWebpApart(bytes, file);
  else throw unsupported("neither JPEG, PNG nor WebP");
  return file;
}

function takeJpegApart(bytes, file) {
  const kinds = { "http://ns.adobe.com/xap/1.0/\0": file.xmp, "http://ns.adobe.com/xmp/extension/\0": file.extended, "Exif\0\0": file.exif };
  file.type = "image/jpeg";
  file.bare.push(bytes.subarray(0, 2));
  let at = 2;
  for (let end; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at = end) {
    const marker = bytes[at + 1];
    end = marker === 0xff ? at + 1 : at + 2 + view(bytes).getUint16(at + 2);
    if (marker === 0xff) continue;
    if (end > bytes.length || end < at + 4) break;
    // APP1 holds EXIF and XMP, APP2 profiles and what belongs to other pictures.
    if (marker !== 0xe1 && marker !== 0xe2) file.bare.push(bytes.subarray(at, end));
    for (const signature in marker === 0xe1 ? kinds : {}) {
      if (startsWith(bytes, signature, at + 4)) kinds[signature].push(bytes.subarray(at + 4 + signature.length, end));
    }
  }
  file.bare.push(bytes.subarray(at));
}

async function takePngApart(bytes, file) {
  file.type = "image/png";
  file.bare.push(bytes.subarray(0, 8));
  for (let at = 8, end; at + 12 <= bytes.length; at = end) {
    end = at + 12 + view(bytes).getUint32(at);
    if (end > bytes.length) break;
    const kind = ascii(bytes, at + 4, at + 8), body = bytes.subarray(at + 8, end - 4);
    if (kind === "eXIf") file.exif.push(body);
    if (/^([iz]T|tE)Xt$/.test(kind)) file.xmp.push(...(await xmpOfText(kind, body)));
    // Of what a decoder may do without, only transparency belongs to the pixels.
    if (/^[A-Z]|^tRNS/.test(kind)) file.bare.push(bytes.subarray(at, end));
  }
}

/** The XMP packet of a PNG text chunk, in a list; an empty one where it holds none. */
async function xmpOfText(kind, body) {
  const keyword = ascii(body, 0, Math.max(0, body.subarray(0, 80).indexOf(0))), raw = keyword === "Raw profile type xmp";
  if ((keyword !== "XML:com.adobe.xmp" && !raw) || body.length > MAX_TEXT) return [];
  let at = keyword.length + (kind === "zTXt" ? 2 : 1);
  const compressed = kind === "zTXt" || (kind === "iTXt" && body[at] === 1);
  if (kind === "iTXt") at = body.indexOf(0, body.indexOf(0, at + 2) + 1) + 1;
  let text = body.subarray(at);
  if (compressed) text = await inflate(text, "deflate", MAX_TEXT);
  if (!raw) return [text];
  const digits = ascii(text).replace(/^\n.*\n\s*\d+\n/, "").replace(/\s/g, "");
  return [Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16))];
}

function takeWebpApart(bytes, file) {
  const head = bytes.slice(0, 12);
  file.type = "image/webp";
  file.bare.push(head);
  for (let at = 12, end; at + 8 <= bytes.length; at = end) {
    const length = view(bytes).getUint32(at + 4, true), kind = ascii(bytes, at, at + 4);
    end = at + 8 + length + (length & 1);
    if (at + 8 + length > bytes.length) break;
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === "XMP ") file.xmp.push(body);
    else if (kind === "EXIF") file.exif.push(startsWith(body, "Exif\0\0") ? body.subarray(6) : body);
    else if (kind !== "ICCP") {
      const chunk = bytes.slice(at, end);
      if (kind === "VP8X") chunk[8] &= ~0x2c; // it says no longer that there are profile, EXIF and XMP
      file.bare.push(chunk);
    }
  }
  view(head).setUint32(4, file.bare.reduce((sum, piece) => sum + piece.length, -8), true);
}

/** Inflate so many bytes at most. Anything but one whole stream that ends with the data is an error. */
async function inflate(data, format, most) {
  // Browsers inflate all that they are given at once: a slice becomes 8 MB at most.
  let at = 0;
  const pull = (slices) => (at < data.length ? slices.enqueue(data.slice(at, (at += 8192))) : slices.close());
  const reader = new ReadableStream({ pull }).pipeThrough(new DecompressionStream(format)).getReader(), pieces = [];
  try {
    for (let piece, length = 0; !(piece = await reader.read()).done; pieces.push(piece.value)) {
      length += piece.value.length;
      if (length > most) throw new Error("a bomb");
    }
  } catch {
    reader.cancel().catch(() => {});
    throw damaged("a compressed part is damaged, or too long");
  }
  return joined(pieces);
}

/** Values of the property in an XMP packet. Which elements bind its prefix does not matter: a value shows that it is one. */
function xmpValues(packet) {
  const wide = packet[0] === 0 || packet[1] === 0 || packet[0] >= 0xfe, little = packet[0] === 0xff || packet[1] === 0;
  const text = new TextDecoder(wide ? (little ? "utf-16le" : "utf-16be") : "utf-8").decode(packet);
  if (text.includes("<!DOCTYPE")) return [];
  const bound = text.matchAll(/\sxmlns(:[^\s<>"'=/:]{1,100})?\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g);
  const prefixes = new Set([...bound].filter(([, , one, other]) => (one ?? other) === NAMESPACE).map(([, prefix = ""]) => prefix.slice(1)));
  const values = [];
  const property = /([<\s])(?:([^\s<>"'=/:]{1,100}):)?Payload(?:\s*=\s*(?:"([^"<]*)"|'([^'<]*)')|(?:\s[^<>]*)?>([^<]*))/g;
  for (const [, before, prefix = "", one, other, inner] of text.matchAll(property)) {
    // Attributes without a prefix are of no namespace.
    if (prefixes.has(prefix) && (before === "<" ? inner : prefix && (one ?? other))) values.push(inner ?? one ?? other);
  }
  return values.map((value) => value.replace(/&#(x?)([0-9a-f]{1,4});/gi, (_, hex, code) => String.fromCharCode(parseInt(code, hex ? 16 : 10))));
}

/** Orientation and user comment of an EXIF block. */
function readExif(block) {
  const little = startsWith(block, "II"), data = view(block);
  /** Where the value of a tag lies, or a pointer to it; undefined without the tag. */
  const find = (directory, tag) => {
    const count = directory + 2 <= block.length ? data.getUint16(directory, little) : 0;
    for (let k = 0, at = directory + 2; k < count && at + 12 <= block.length; k++, at += 12) {
      if (data.getUint16(at, little) === tag) return at + 8;
    }
    return undefined;
  };
  const first = block.length < 8 ? block.length : data.getUint32(4, little);
  const turn = find(first, 0x0112), pointer = find(first, 0x8769);
  const comment = pointer && find(data.getUint32(pointer, little), 0x9286), from = comment && data.getUint32(comment, little);
  return {
    orientation: (turn && data.getUint16(turn, little)) || 1,
    comment: comment ? ascii(block, from, from + data.getUint32(comment - 4, little)).replaceAll("\0", "") : "",
  };
}

/** Extended XMP: the chunks of one name, joined by their offsets. */
function joinExtensions(chunks) {
  const packets = new Map();
  for (const chunk of chunks) {
    if (chunk.length < 40) continue;
    const name = ascii(chunk, 0, 32), length = view(chunk).getUint32(32), at = view(chunk).getUint32(36);
    if (length > MAX_TEXT || at + chunk.length - 40 > length) continue;
    if (!packets.has(name)) packets.set(name, new Uint8Array(length));
    if (packets.get(name).length === length) packets.get(name).set(chunk.subarray(40), at);
  }
  return [...packets.values()];
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
/** "" where a page is not served safely and browsers refuse to compute it. */
const sha256 = async (bytes) => (globalThis.crypto?.subtle ? hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))) : "");

/** Find a file's payloads, as they travel: [{payload, carrier}, ...]. One of another picture may come first. */
async function findPayloads(file) {
  const short = (packet) => packet.length <= MAX_TEXT, groups = new Map(), found = [];
  const texts = {
    xmp: file.xmp.filter(short).flatMap(xmpValues),
    "extended-xmp": joinExtensions(file.extended).flatMap(xmpValues),
    exif: file.exif.filter(short).map((block) => readExif(block).comment),
  };
  for (const carrier in texts) {
    for (const [, index, total, digest, body] of texts[carrier].flatMap((text) => [...text.replace(/\s/g, "").matchAll(PART)])) {
      const key = `${digest}/${Number(total)}`, count = total <= 64 ? Number(total) : 0;
      if (!groups.has(key)) groups.set(key, { digest, parts: Array.from({ length: count }, () => new Set()), carriers: new Set() });
      groups.get(key).parts[index - 1]?.add(body);
      groups.get(key).carriers.add(carrier);
    }
  }
  if (!groups.size) throw new GamutError("no-payload", "this picture holds no payload");
  for (const { digest, parts, carriers } of groups.values()) {
    // A part that turned up with several bodies hides none of them.
    const extend = (ways, bodies) => ways.flatMap((way) => [...bodies].map((body) => [...way, body])).slice(0, MAX_WAYS);
    for (const way of parts.reduce(extend, parts.length ? [[]] : [])) {
      try {
        const payload = await joined(way.map((body) => Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))));
        const whole = await sha256(payload);
        if (whole && !whole.startsWith(digest)) continue;
        found.push({ payload, carrier: [...carriers].join("+") });
        break;
      } catch { /* what is no base64 is no part */ }
    }
  }
  if (!found.length) throw damaged("the payload is incomplete or damaged");
  return found.slice(0, MAX_COPIES);
}

// 2. The payload, byte by byte

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let k = 0; k < 8; k++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});
const crc32 = (bytes) => ~bytes.reduce((crc, byte) => CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0;

function float16(bits) {
  const mantissa = bits & 1023, exponent = (bits >> 10) & 31, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return NaN;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + mantissa / 1024) : (sign * mantissa) / 2 ** 24;
}

/** Unpack a bare payload (bytes that begin with GMUT). */
async function unpack(data) {
  if (data.length < 48 || data.length > MAX_PAYLOAD || !startsWith(data, "GMUT")) throw damaged("this is no payload");
  if (data[4] !== 1 && data[4] !== 2) throw unknown(`version ${data[4]}`);
  const header = view(data), flags = data[5], boxesEnd = 44 + 2 * data[38], boxes = [];
  if (crc32(data.subarray(0, -4)) !== header.getUint32(data.length - 4, true)) throw damaged("the payload's checksum does not match");
  const payload = {
    version: data[4],
    size: data.length,
    everyPixel: Boolean(flags & 1),
    adaptation: flags & 2 ? "cat02" : "bradford",
    linearColor: Boolean(flags & 4),
    tolerance: data[6],
    side: data[7],
    width: header.getUint32(8, true),
    height: header.getUint32(12, true),
    digest: hex(data.subarray(16, 32)),
    positionOctaves: data[32],
    colorOctaves: data[33],
    firstOctave: header.getInt8(34),
    depth: data[35],
    hidden: header.getUint16(36, true),
    residualScale: header.getFloat32(40, true),
    boxes,
  };
  const { side, depth, hidden, positionOctaves, colorOctaves, residualScale } = payload;
  const bounds = [[flags, 0, 7], [payload.tolerance, 0, 64], [side, 1, 32], [payload.width, 1, 1 << 20], [payload.height, 1, 1 << 20],
    [positionOctaves, 0, 16], [colorOctaves, 0, 16], [payload.firstOctave, -16, 16], [depth, 0, 8], [data[38], 0, 8], [data[39], 0, 0],
    [hidden, depth && 1, depth && 1024], [positionOctaves + colorOctaves, depth && 1, 32], [boxesEnd + 4, 0, data.length]];
  for (let at = 44; at < Math.min(boxesEnd, data.length); at += 2) {
    const box = { radius: data[at] & 127, contrast: data[at] > 127, octaves: data[at + 1] };
    boxes.push(box);
    bounds.push([box.radius, 0, 64], [box.octaves, 0, 16]);
  }
  if (!Number.isFinite(residualScale) || bounds.some(([value, least, most]) => value < least || value > most)) {
    throw damaged("the payload's numbers are out of bounds");
  }
  const bodyAt = data[4] === 1 ? boxesEnd : await readFields(data.subarray(0, -4), boxesEnd, payload);

  const inputs = 4 * positionOctaves + 6 * boxes.reduce((sum, box) => sum + box.octaves, colorOctaves);
  const widths = depth ? [inputs, ...Array(depth).fill(hidden), 3] : [], layers = widths.slice(1).map((rows, k) => ({ rows, columns: widths[k] }));
  const outputs = layers.reduce((sum, { rows }) => sum + rows, 0), weights = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const gridBytes = 3 * side * side, body = await inflateWhole(data.subarray(bodyAt, -4), gridBytes + weights + 2 * outputs);

  const grid = body.slice(0, gridBytes);
  for (let k = 0; k < gridBytes; k++) if (k % (3 * side) >= 3) grid[k] += grid[k - 3];
  let at = gridBytes, row = gridBytes + weights, reach = Math.max(1, Math.abs(residualScale));
  for (const layer of layers) {
    const { rows, columns } = layer, levels = new Int8Array(body.buffer, at, rows * columns).slice();
    layer.levels = levels;
    layer.scales = Float32Array.from({ length: rows }, (_, o) => float16(body[row + o] | (body[row + o + outputs] << 8)));
    at += levels.length;
    row += rows;
    const sums = Array.from(layer.scales, (scale, o) =>
      Math.abs(scale) * levels.subarray(o * columns, (o + 1) * columns).reduce((sum, level) => sum + Math.abs(level), 0));
    reach *= Math.max(1, ...sums); // NaN stays NaN
  }
  if (!(reach < 1e24)) throw damaged("the payload's weights make no sense");
  return { ...payload, grid, layers, weights };
}

/** Inflate a raw stream to exactly so many bytes. */
async function inflateWhole(deflated, size) {
  const whole = await inflate(deflated, "deflate-raw", size);
  // Not every DecompressionStream minds what lies behind the stream; a stream that needs its last byte has nothing there.
  const junk = await inflate(deflated.subarray(0, -1), "deflate-raw", size).then(() => true, () => false);
  if (whole.length !== size || junk) throw damaged("a compressed part has the wrong length");
  return whole;
}

/** Read the fields of version 2 into a payload: where they end. None may be skipped. */
async function readFields(data, at, payload) {
  const header = view(data), end = at + 2 <= data.length ? at + 2 + header.getUint16(at, true) : Infinity;
  if (end > data.length) throw damaged("the payload's fields are cut short");
  at += 2;
  for (let last = 0; at < end; ) {
    const number = data[at], size = at + 3 <= end ? header.getUint16(at + 1, true) : Infinity, from = at + 3;
    at = from + size;
    if (at > end || number <= last) throw damaged("the payload's fields make no sense");
    last = number;
    if (number > 3) throw unknown(`field ${number}`);
    if (number === 1 && (size !== 1 || data[from])) throw unknown("the base space");
    if (number === 2) {
      if (size !== 15 || data[from] !== 1) throw unknown("the intent");
      const [below, above] = [from + 1, from + 8].map((place) => ({ knee: header.getUint16(place, true),
        limit: header.getUint16(place + 2, true), levels: data[place + 4], bound: header.getUint16(place + 5, true) }));
      const sane = ({ knee, limit, levels }) => knee <= 1 << 15 && limit >= 8192 && levels % 2 && levels <= 15;
      if (!sane(below) || !sane(above)) throw damaged("the payload's curves make no sense");
      payload.intent = { below, above };
    }
    if (number === 3) {
      const columns = Math.ceil(payload.width / 16), rows = Math.ceil(payload.height / 16);
      if (rows * columns > 1 << 24) throw damaged("the payload's blocks are of a picture larger than any");
      payload.blocks = { columns, rows, bits: await inflateWhole(data.subarray(from, at), Math.ceil((rows * columns) / 8)) };
    }
  }
  return end;
}

/** What a file (JPEG, PNG, WebP) or a sidecar holds: the fields of its first sound payload, and its `carrier`. */
const decodePayload = async (bytes) => (await decodePayloads(bytes))[0];

/** All sound payloads of a file, one at least. */
async function decodePayloads(bytes) {
  bytes = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  const found = startsWith(bytes, "GMUT") ? [{ payload: bytes, carrier: "sidecar" }] : await findPayloads(await takeApart(bytes));
  const tried = await Promise.allSettled(found.map(async ({ payload, carrier }) => ({ carrier, ...(await unpack(payload)) })));
  const sound = tried.filter(({ value }) => value).map(({ value }) => value);
  if (!sound.length) throw tried[0].reason;
  return sound;
}

// 3. Do the pixels fit?

/** The eight ways a picture can lie: whether x and y are swapped, rows and columns run backwards. */
const WAYS = Array.from({ length: 8 }, (_, k) => ({ swap: k > 3, rows: Boolean(k & 1), columns: Boolean(k & 2) }));

/** Where a pixel of a picture that lies in some way goes in one that does not. */
function placeOf({ swap, rows, columns }, width, height, x, y) {
  const u = rows ? height - 1 - y : y, v = columns ? width - 1 - x : x;
  return swap ? v * height + u : u * width + v;
}

/** Which blocks a pixel of a side lies in, for each: [block, share] pairs. */
function overlaps(count, side) {
  const shares = Array.from({ length: count }, () => []);
  for (let block = 0; block < side; block++) {
    const from = (block * count) / side, to = ((block + 1) * count) / side;
    for (let k = Math.floor(from); k < to; k++) shares[k].push([block, ((Math.min(k + 1, to) - Math.max(k, from)) * side) / count]);
  }
  return shares;
}

/** Compare pixels, in strips of RGBA codes, with those that the payload was made for: {status, way}. */
async function matchPixels({ side, grid, digest, ...payload }, width, height, strips, { force } = {}) {
  const fits = ({ swap }) => width === (swap ? payload.height : payload.width) && height === (swap ? payload.width : payload.height);
  const count = WAYS.some(fits) ? width * height : 0, rgb = new Uint8Array(3 * count);
  const means = new Float64Array(3 * side * side), sums = new Float64Array(3 * side), columns = overlaps(width, side), rows = overlaps(height, side);
  let at = 0, row = 0, opaque = true;
  for await (const codes of strips) {
    for (let k = 0; k < codes.length; row++) {
      sums.fill(0);
      for (let x = 0; x < width; x++, k += 4) {
        if (count) (rgb[at++] = codes[k]), (rgb[at++] = codes[k + 1]), (rgb[at++] = codes[k + 2]);
        opaque &&= codes[k + 3] === 255;
        for (const [block, share] of columns[x]) for (let c = 0; c < 3; c++) sums[3 * block + c] += share * codes[k + c];
      }
      for (const [block, share] of rows[row]) for (let k = 0; k < 3 * side; k++) means[3 * side * block + k] += share * sums[k];
    }
  }
  /** Mean difference from the grid of a picture that lay in some way. */
  const difference = (way) => means.reduce((sum, mean, k) => {
    const block = Math.floor(k / 3), place = placeOf(way, side, side, block % side, Math.floor(block / side));
    return sum + Math.abs(mean - grid[3 * place + (k % 3)]) / means.length;
  }, 0);
  const turned = (way) => {
    const whole = new Uint8Array(3 * count);
    for (let k = 0; k < count; k++) {
      const to = 3 * placeOf(way, width, height, k % width, Math.floor(k / width));
      for (let c = 0; c < 3; c++) whole[to + c] = rgb[3 * k + c];
    }
    return whole;
  };
  const differences = WAYS.map(difference), least = Math.min(...differences), way = WAYS[differences.indexOf(least)];
  for (const lay of new Set([WAYS[0], way])) {
    if (opaque && fits(lay) && (await sha256(lay === WAYS[0] ? rgb : turned(lay))).startsWith(digest)) return { status: "ok", way: lay };
  }
  if (least < 1 && opaque) return { status: "recompressed", way };
  if (!force) throw new GamutError("changed", `the picture was edited: block means differ by ${least.toFixed(1)} codes`);
  return { status: "changed", way };
}

/** The first of several payloads that fits the pixels, {payload, status, way}; where none does, what is told of the first. */
async function choosePayload(payloads, width, height, strips, { force }) {
  const fit = async (payload, options) => ({ payload, ...(await matchPixels(payload, width, height, strips(), options)) });
  let failure;
  for (const payload of payloads) {
    try {
      return await fit(payload);
    } catch (error) {
      failure ??= error;
    }
  }
  if (!force || failure.code !== "changed") throw failure;
  return fit(payloads[0], { force });
}

// 4. Decoding the picture: what both paths share. Who needs neither loads neither

const loadPixels = () => Promise.resolve({ restoreInScript, restoreTile });
const loadGpu = () => Promise.resolve(gpuPath).catch(() => null);

const TO_PROPHOTO = {
  bradford: [0.529292999, 0.330116148, 0.140590853, 0.098360085, 0.87346992, 0.028169994, 0.01687612, 0.117658738, 0.865465142],
  cat02: [0.528734646, 0.333936378, 0.137328976, 0.097587195, 0.878989713, 0.023423092, 0.016384538, 0.106579789, 0.877035673],
};
const FROM_PROPHOTO = {
  prophoto: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  "display-p3": [1.632504413, -0.379669385, -0.252835028, -0.153680493, 1.166690363, -0.01300987, 0.010390206, -0.062805069, 1.052414863],
  srgb: [2.034289161, -0.727507819, -0.306781342, -0.22880199, 1.231725545, -0.002923555, -0.008562279, -0.153265288, 1.161827567],
};
const lightOf = (code) => (code / 255 < 0.04045 ? code / 255 / 12.92 : ((code / 255 + 0.055) / 1.055) ** 2.4);
const LIGHT = Float64Array.from({ length: 256 }, (_, code) => lightOf(code));
/** Light in steps, for what has to be decided alike everywhere. */
const STEPS = LIGHT.map((light) => Math.floor(65535 * light + 0.5));
/** By more than half an 8-bit code near white: what rounds to a colour of the screen can be shown. */
const HALF_CODE = 0.0045;

/** Where tools moved codes, these are clipped too, from 0 or 255 on. */
const toleranceOf = ({ tolerance }, exact) => (exact ? tolerance : Math.max(tolerance, 12));

/** Tabulate the first layer for a tile [x, y, width, height] of a picture: a row for each value that an input can have. */
function tabulate(payload, [width, height], way, [left, top, across, down]) {
  const { positionOctaves, colorOctaves, hidden, linearColor, boxes } = payload, { levels, scales, columns } = payload.layers[0];
  const stride = (hidden + 7) & ~7;
  const place = (from, side, backwards) => (k) => (backwards ? -1 : 1) * ((2 * (from + k) + 1) / side - 1);
  // Of each input: how many values it has, and which (with linear colour none, but a row for each wave); octaves; first feature.
  const inputs = [[down, place(top, height, way.rows), positionOctaves, way.swap ? 2 * positionOctaves : 0],
    [across, place(left, width, way.columns), positionOctaves, way.swap ? 0 : 2 * positionOctaves]];
  let feature = 4 * positionOctaves;
  const channels = (count, value, octaves) => {
    for (let c = 0; c < 3; c++, feature += 2 * octaves) inputs.push([count, value, octaves, feature]);
  };
  if (linearColor) channels(2 * colorOctaves, null, colorOctaves);
  else channels(256, (code) => (2 * code) / 255 - 1, colorOctaves);
  for (const { contrast, octaves } of boxes) {
    if (contrast) channels(129, (q) => (q - 64) / 64, octaves);
    else channels(1021, (q) => (2 * q) / 1020 - 1, octaves);
  }
  const starts = [], waves = new Float64Array(32), table = new Float64Array(stride * inputs.reduce((sum, [count]) => sum + count, 0));
  let at = 0;
  for (const [count, value, octaves, first] of inputs) {
    starts.push(at / stride);
    for (let row = 0; row < count; row++, at += stride) {
      if (value) setWaves(waves, value(row), payload, octaves);
      else waves.fill(0).fill(1, row, row + 1);
      for (let o = 0; o < hidden; o++) {
        let sum = 0;
        for (let i = 0, from = o * columns + first; i < 2 * octaves; i++) sum += waves[i] * levels[from + i];
        table[at + o] = sum * scales[o];
      }
    }
  }
  return { table, starts, stride };
}

/** All sines of an input, then all its cosines. */
function setWaves(waves, value, { firstOctave }, octaves) {
  for (let k = 0; k < octaves; k++) {
    const angle = 2 ** (firstOctave + k) * Math.PI * value;
    waves[k] = Math.sin(angle);
    waves[octaves + k] = Math.cos(angle);
  }
}

/** How far a pixel's boxes reach. */
const marginOf = ({ boxes }) => Math.max(0, ...boxes.map(({ radius }) => radius));

/** A tile and what lies around it: [x, y, width, height]. */
function regionOf([x, y, width, height], margin, whole) {
  const left = Math.max(0, x - margin), top = Math.max(0, y - margin);
  return [left, top, Math.min(whole.width, x + width + margin) - left, Math.min(whole.height, y + height + margin) - top];
}

/** Restore pixels {width, height, data} that are decoded already, RGBA codes as they were stored: the same, and a status. */
async function restorePixels(payload, { width, height, data }, options = {}) {
  const { way, status } = await matchPixels(payload, width, height, [data], options), region = { data, width, height, x: 0, y: 0 };
  const job = { ...options, payload, way, exact: status === "ok", region, size: [width, height], tile: [0, 0, width, height] };
  return { ...(await (await loadPixels()).restoreTile(job)), status };
}


// 5. In a browser: decoding

function newContext(width, height, settings) {
  return Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", settings);
}

/** A part of a bitmap as RGBA codes: {data, width, height, x, y}. */
function codesOf(bitmap, [x, y, width, height]) {
  const context = newContext(width, height, { willReadFrequently: true });
  context.drawImage(bitmap, -x, -y);
  return { data: context.getImageData(0, 0, width, height).data, width, height, x, y };
}

/** RGBA codes of a bitmap, in strips from top to bottom. */
async function* stripsOf(bitmap) {
  const { width, height } = bitmap, rows = Math.max(1, Math.floor((1 << 20) / width));
  for (let y = 0; y < height; y += rows) {
    yield codesOf(bitmap, [0, y, width, Math.min(rows, height - y)]).data;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let isTrue;
/** Whether a script reads the very pixels that it drew: against fingerprinting, some browsers add noise. */
function readsTrue() {
  if (isTrue !== undefined) return isTrue;
  const context = newContext(16, 16, { willReadFrequently: true }), image = context.createImageData(16, 16);
  image.data.forEach((_, k) => (image.data[k] = k % 4 === 3 ? 255 : (k * 97) % 256));
  context.putImageData(image, 0, 0);
  return (isTrue = context.getImageData(0, 0, 16, 16).data.every((code, k) => code === image.data[k]));
}
function demandTruth() {
  if (!readsTrue()) throw new GamutError("noise", "this browser adds noise to pixels that scripts read");
}

/** Open a picture for `work`, which is told of its payload, its pixels as stored, and whether they fit. */
async function withPicture(bytes, { sidecar, check = true, force }, work) {
  const file = await takeApart(bytes), payloads = await decodePayloads(sidecar ?? bytes);
  // One piece: Firefox decodes no blob of several.
  const blob = new Blob([await joined(file.bare)], { type: file.type });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw unsupported("this browser cannot decode the picture");
  });
  try {
    const { width, height } = bitmap;
    let match = { payload: payloads[0], status: "unchecked", way: WAYS[0] };
    if (check && readsTrue()) match = await choosePayload(payloads, width, height, () => stripsOf(bitmap), { force });
    const { payload, status } = match;
    // What no network of `gamut reduce` comes near would take the machine.
    if (payload.weights * width * height > (payload.hidden > 256 ? 2 ** 36 : 2 ** 40)) throw unsupported("the network is too large for the picture");
    const orientation = file.exif.map((block) => readExif(block).orientation).find((turn) => turn > 1 && turn < 9) ?? 1;
    const upright = WAYS[[0, 2, 3, 1, 4, 5, 7, 6][orientation - 1]];
    const size = upright.swap ? { width: height, height: width } : { width, height };
    return { ...size, status, payload, ...(await work({ bitmap, upright, ...match, exact: status === "ok" })) };
  } finally {
    bitmap.close();
  }
}

// 6. Onto arrays and canvases

/** Cut a picture into tiles. */
function* tilesOf(width, height, side) {
  for (let y = 0; y < height; y += side) {
    for (let x = 0; x < width; x += side) yield [x, y, Math.min(side, width - x), Math.min(side, height - y)];
  }
}

/**
 * Restore what `plan(side)` gives, tiles, by the first path that does it, for `use(tile, restored)`. The GPU is tried twice,
 * since it may be lost; where software plays it, JavaScript is faster.
 */
async function restoreTiles(opened, settings, plan, use) {
  const gpu = settings.path === "js" ? null : await loadGpu();
  const auto = { fast: ["webgl2", "webgl2", "js"], slow: ["js", "webgl2"], none: ["js"] }[gpu?.speed() ?? "none"];
  const paths = { js: ["js"], webgl2: ["webgl2", "webgl2"] }[settings.path] ?? auto;
  for (;;) {
    const path = paths.shift();
    try {
      if (path === "js") {
        demandTruth();
        await (await loadPixels()).restoreInScript(opened, settings, [...plan(512)], use);
      } else await gpu.restoreOnGpu(opened, settings, plan(gpu.SIDE), use);
      return path;
    } catch (error) {
      if (!paths.length) throw error instanceof GamutError ? error : unsupported(error.message);
    }
  }
}

/** Restore a picture: {width, height, data, path, status, payload} with RGBA codes, upright. */
function restore(bytes, { space = "display-p3", depth = 8, path = "auto", ...options } = {}) {
  return withPicture(bytes, options, async (opened) => {
    demandTruth();
    const { bitmap: { width, height }, upright } = opened, data = new (depth === 16 ? Uint16Array : Uint8ClampedArray)(4 * width * height);
    const put = ([left, top, w, h], { data: codes }) => {
      for (let k = 0; k < w * h; k++) {
        const to = 4 * placeOf(upright, width, height, left + (k % w), top + Math.floor(k / w));
        for (let i = 0; i < 4; i++) data[to + i] = codes[4 * k + i];
      }
    };
    return { data, path: await restoreTiles(opened, { space, depth, path }, (side) => tilesOf(width, height, side), put) };
  });
}

/** A canvas of more pixels stays empty on some phones. */
const MAX_CANVAS = 16777216;

/** Draw the restored picture, or where sRGB cannot hold it (`mark`), on a canvas, of `maxPixels` at most. */
function render(canvas, bytes, { maxPixels = MAX_CANVAS, mark = false, path = "auto", ...options } = {}) {
  return withPicture(bytes, options, async (opened) => {
    const { bitmap, upright: { swap, rows, columns } } = opened, { width, height } = bitmap;
    const scale = Math.min(1, Math.sqrt(Math.min(maxPixels, MAX_CANVAS) / (width * height)));
    const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
    const context = canvas.getContext("2d", { colorSpace: "display-p3" }), space = context.getContextAttributes?.().colorSpace ?? "srgb";
    const [a, e] = columns ? [-1, w] : [1, 0], [d, f] = rows ? [-1, h] : [1, 0];
    /** Clear the canvas. Tiles end at its whole pixels, and reach a little further, for what smoothing sees. */
    const plan = (side) => {
      Object.assign(canvas, swap ? { width: h, height: w } : { width: w, height: h });
      context.setTransform(...(swap ? [0, a, d, 0, f, e] : [a, 0, 0, d, e, f]));
      Object.assign(context, { imageSmoothingEnabled: scale < 1, imageSmoothingQuality: "high" });
      const reach = scale < 1 ? Math.ceil(2 / scale) + 2 : 0;
      return [...tilesOf(w, h, Math.max(1, Math.floor((side - 2 * reach - 2) * scale)))].map((part) => {
        const [x, y, across, down] = part, left = Math.floor((x * width) / w), top = Math.floor((y * height) / h);
        const tile = [left, top, Math.ceil(((x + across) * width) / w) - left, Math.ceil(((y + down) * height) / h) - top];
        return [...regionOf(tile, reach, bitmap), part];
      });
    };
    /** Draw a tile, of which a part of the canvas is wanted. */
    const put = ([x, y, across, down, part], restored) => {
      context.save();
      context.beginPath();
      context.rect(...part);
      context.clip();
      context.drawImage(restored.data ? sheetOf(restored, space) : restored,
        0, 0, across, down, (x * w) / width, (y * h) / height, (across * w) / width, (down * h) / height);
      context.restore();
    };
    return { space, path: await restoreTiles(opened, { space, mark, path, depth: 8, toCanvas: true }, plan, put) };
  });
}

/** Codes on a canvas of their own. */
function sheetOf({ width, height, data }, colorSpace) {
  const context = newContext(width, height, { colorSpace });
  context.putImageData(new ImageData(data, width, height, { colorSpace }), 0, 0);
  return context.canvas;
}

// gamut-pixels.js: the JavaScript path of gamut.js, which loads it where there is no GPU. It is its workers' script too. MIT licence.
// Sections are those of docs/FORMAT.md of gamutcli. Every sum is one of float64, and no loop over pixels makes an object.


// 4.2 Linear ProPhoto RGB, 4.7 Out

function encode(light, space) {
  if (!(light > 0)) return 0;
  if (light >= 1) return 1;
  if (space === "prophoto") return light < 1 / 512 ? 16 * light : light ** (1 / 1.8);
  return light < 0.04045 / 12.92 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}
const encodingTable = (space) => (ENCODED[space] ??= Uint8Array.from({ length: 65536 }, (_, step) => 255 * encode(step / 65535, space) + 0.5));
const ENCODED = {};

const leastOf = (rgb) => Math.min(rgb[0], rgb[1], rgb[2]);
const mostOf = (rgb) => Math.max(rgb[0], rgb[1], rgb[2]);

function multiply(out, matrix, red, green, blue) {
  out[0] = matrix[0] * red + matrix[1] * green + matrix[2] * blue;
  out[1] = matrix[3] * red + matrix[4] * green + matrix[5] * blue;
  out[2] = matrix[6] * red + matrix[7] * green + matrix[8] * blue;
}

// 4.1 Which pixels go through the network

/** How a pixel was moved into sRGB: 1 below, 2 above, 3 both; 0 not at all. */
function movesOf({ below, above }, red, green, blue) {
  const least = STEPS[Math.min(red, green, blue)], most = STEPS[Math.max(red, green, blue)];
  const luminance = 13933 * STEPS[red] + 46871 * STEPS[green] + 4732 * STEPS[blue];
  return (2 ** 32 * least < below.knee * luminance && luminance >= 65536 * below.bound ? 1 : 0) +
    (65536 * (65535 - most) < above.knee * (65535 - least) && least < above.bound ? 2 : 0);
}

/** Whether a pixel's block, of the picture that the payload was made for, holds lost colours. */
function isLost({ blocks: { columns, bits }, width, height }, [across, down], { swap, ...way }, x, y) {
  const u = way.rows ? down - 1 - y : y, v = way.columns ? across - 1 - x : x;
  const row = Math.floor(swap ? (v * height) / across : (u * height) / down), column = Math.floor(swap ? (u * width) / down : (v * width) / across);
  const block = (row >> 4) * columns + (column >> 4);
  return (bits[block >> 3] >> (7 - (block & 7))) & 1;
}

// 4.3 Moving colours back

const WEIGHTS = [13933 / 65536, 46871 / 65536, 4732 / 65536];

/** How far from its grey a colour was that has so much room, and such a share of the knee's. */
const farOf = ({ knee, limit }, room, share) =>
  room < knee / 65536 ? limit / 8192 - (limit / 8192 - 1 + knee / 65536) * share : 1 - room;

/** Light of the channel at the boundary, of whose code the two others tell a fraction. */
function fractionOf({ levels }, codes, at, limiting, sign, exact) {
  const next = codes[at + ((limiting + 1) % 3)], other = codes[at + ((limiting + 2) % 3)], half = levels >> 1;
  return lightOf(Math.min(255, Math.max(0, codes[at + limiting] + (sign * (exact ? (next + half * other) % levels : half)) / levels)));
}

/** Move a colour, linear sRGB, back to where it came from. */
function moveBack(rgb, { below, above }, moves, codes, at, exact) {
  const stretch = (grey, ratio) => {
    for (let c = 0; c < 3; c++) rgb[c] = grey + (rgb[c] - grey) * ratio;
  };
  if (moves > 1) {
    const least = leastOf(rgb), most = mostOf(rgb);
    const room = (1 - fractionOf(above, codes, at, rgb.indexOf(most), -1, exact)) / (1 - least);
    stretch(least, (farOf(above, room, (65536 * room) / above.knee) * (1 - least)) / (most - least));
  }
  const grey = WEIGHTS[0] * rgb[0] + WEIGHTS[1] * rgb[1] + WEIGHTS[2] * rgb[2], least = leastOf(rgb);
  if (moves > 1 && !(grey >= Math.max(1, below.bound) / 65535 && least < (below.knee / 65536) * grey)) return;
  const room = (moves > 1 ? least : fractionOf(below, codes, at, rgb.indexOf(least), 1, exact)) / grey;
  stretch(grey, farOf(below, room, Math.sqrt((65536 * room) / below.knee)) / (1 - least / grey));
}

// 4.6 The network

/** Pixels that go through the network together: what they read of it stays in the processor's cache. */
const BATCH = 64;

/**
 * Sum rows of eight columns of a table, each with its weight, for every pixel of a batch: eight sums stay in registers. A pixel's
 * rows lie from where its room begins to where it ends; the mask spares engines to look for overflow.
 */
function sumRows(sums, column, table, rows, weights, ends, room) {
  for (let p = 0, first = 0; p < ends.length; p++, first += room) {
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let k = first, end = ends[p]; k < end; k++) {
      const at = rows[k] & 0x7ffffff, weight = weights[k];
      a += weight * table[at];
      b += weight * table[at + 1];
      c += weight * table[at + 2];
      d += weight * table[at + 3];
      e += weight * table[at + 4];
      f += weight * table[at + 5];
      g += weight * table[at + 6];
      h += weight * table[at + 7];
    }
    const to = first + column;
    sums[to] = a, sums[to + 1] = b, sums[to + 2] = c, sums[to + 3] = d;
    sums[to + 4] = e, sums[to + 5] = f, sums[to + 6] = g, sums[to + 7] = h;
  }
}

/**
 * Two sums travel in one number: a multiple of LANE, and what is left. Columns of whole numbers are put together so, which halves
 * the work, and is exact as long as each sum stays below half of LANE: inputs are rounded to MOST_STEPS in all, weights are 128
 * at most, and what rounding adds to MOST_PAIRED inputs has room.
 */
const LANE = 2 ** 26, MOST_STEPS = 260000, MOST_PAIRED = 256;
/** Added, and taken away again, it rounds to whole numbers. */
const ROUND = 1.5 * 2 ** 52;

function pairColumns({ table, stride, factors }) {
  const half = ((stride >> 1) + 7) & ~7, paired = new Float64Array((table.length / stride) * half);
  for (let from = 0, to = 0; from < table.length; from += stride, to += half) {
    for (let o = 0; o < stride; o++) paired[to + (o % half)] += table[from + o] * (o < half ? 1 : LANE);
  }
  return { table: paired, stride: half, factors };
}

/** The first layer in whole steps, and of what size they are. */
function roundTables({ table, starts, stride, factors }) {
  let reach = 0;
  starts.forEach((start, k) => {
    reach += table.subarray(stride * start, stride * (starts[k + 1] ?? Infinity)).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  });
  const step = (reach || 1) / (LANE / 2 - 64);
  return [{ table: table.map((value) => Math.round(value / step)), stride, factors }, step];
}

// Of a pixel's sums, what is above zero becomes the next layer's inputs; the rest, two of three, costs nothing. An input is a row
// of the next table and its weight. Gives where they end.

function keepPairs(sums, rows, weights, first, { stride, factors }, nextStride) {
  let to = first;
  for (let o = 0; o < stride; o++) {
    const sum = sums[first + o], high = sum / LANE + ROUND - ROUND, low = sum - high * LANE;
    // The next one overwrites what is not kept: branches would be guessed wrong.
    rows[to] = o * nextStride;
    weights[to] = low * factors[o];
    to += -(low | 0) >>> 31;
    rows[to] = (o + stride) * nextStride;
    weights[to] = high * factors[o + stride];
    to += -(high | 0) >>> 31;
  }
  return to;
}

function keepSums(sums, rows, weights, first, { stride, factors }, nextStride) {
  let to = first;
  for (let o = 0; o < stride; o++) {
    rows[to] = o * nextStride;
    weights[to] = sums[first + o] * factors[o];
    if (weights[to] > 0) to++;
  }
  return to;
}

/** Round a pixel's inputs to whole steps: how many make 1. */
function roundInputs(weights, first, end) {
  let total = 0;
  for (let k = first; k < end; k++) total += weights[k];
  const steps = MOST_STEPS / (total || 1);
  for (let k = first; k < end; k++) weights[k] = weights[k] * steps + ROUND - ROUND;
  return steps;
}

/**
 * The network of a tile. Every layer is a weighted sum of rows: of the tables, then of a row for each input above zero. Pairs of
 * sums are good for 8 bits; 16, and linear colours, whose waves are no whole numbers, are summed one by one.
 */
function startNetwork(payload, size, way, tile, depth) {
  const { hidden, residualScale, colorOctaves, linearColor } = payload, paired = depth === 8 && !linearColor && hidden <= MOST_PAIRED;
  const { starts, ...tables } = tabulate(payload, size, way, tile), ones = new Float64Array(hidden + 16).fill(1);
  const others = payload.layers.slice(1).map(({ rows, levels, scales }, k) => {
    const stride = (rows + 7) & ~7, table = new Float64Array((hidden + 16) * stride), factors = new Float64Array(rows + 16);
    const unit = k === payload.depth - 1 ? residualScale : 1;
    levels.forEach((level, i) => {
      const o = Math.floor(i / hidden);
      table[(i % hidden) * stride + o] = level * Math.sign(scales[o]);
    });
    scales.forEach((scale, o) => (factors[o] = Math.abs(scale) * unit));
    return { table, stride, factors };
  });
  const first = { ...tables, starts, factors: ones }, [rounded, step] = paired ? roundTables(first) : [first, 1];
  const layers = [rounded, ...others].map((layer) => (paired ? pairColumns(layer) : layer)), last = layers.at(-1);
  for (const layer of layers) layer.strips = Array.from({ length: layer.stride / 8 }, (_, k) => layer.table.subarray(8 * k));
  const room = Math.max(128, hidden + 24), waves = new Float64Array(32), units = new Float64Array(BATCH), ends = new Int32Array(BATCH);
  const rows = new Int32Array(BATCH * room), weights = new Float64Array(BATCH * room), sums = new Float64Array(BATCH * room);
  let count = 0, at = 0;
  /** Have the row of an input's value among those to be summed for a pixel. */
  const take = (input, value, weight = 1) => {
    rows[at] = layers[0].stride * (starts[input] + value);
    weights[at++] = weight;
  };
  const takeLight = (channel, light) => {
    setWaves(waves, 2 * Math.fround(light) - 1, payload, colorOctaves);
    for (let k = 0; k < 2 * colorOctaves; k++) take(2 + channel, k, waves[k]);
  };
  /** Go on to the batch's next pixel: how many it has. */
  const next = () => {
    ends[count++] = at;
    at = count * room;
    return count;
  };
  /** The residuals of the batch, in steps of `room`. A new one begins. */
  const finish = () => {
    const all = ends.subarray(0, count);
    units.fill(step);
    layers.forEach((layer, k) => {
      for (let p = 0, start = 0; k && p < count; p++, start += room) {
        ends[p] = (paired ? keepPairs : keepSums)(sums, rows, weights, start, layers[k - 1], layer.stride);
        if (paired) units[p] /= roundInputs(weights, start, ends[p]);
      }
      layer.strips.forEach((strip, column) => sumRows(sums, 8 * column, strip, rows, weights, all, room));
    });
    for (let p = 0; p < count; p++) for (let c = 0; c < 3; c++) sums[p * room + c] *= last.factors[c] * units[p];
    count = at = 0;
    return sums;
  };
  return { room, take, takeLight, next, finish };
}

/** Means of the codes around a pixel, in quarter codes, by sums over all that lies above and left of a place, modulo 2^32. */
function startMeans({ data, width, height }, margin) {
  const stride = 3 * (width + 2 * margin + 1), sums = new Uint32Array(stride * (height + 2 * margin + 1));
  for (let y = -margin, at = stride + 3; y < height + margin; y++, at += 3) {
    for (let x = -margin; x < width + margin; x++) {
      const pixel = 4 * (width * Math.min(Math.max(y, 0), height - 1) + Math.min(Math.max(x, 0), width - 1));
      for (let c = 0; c < 3; c++, at++) sums[at] = data[pixel + c] + sums[at - 3] + sums[at - stride] - sums[at - stride - 3];
    }
  }
  return (x, y, c, radius) => {
    const side = 2 * radius + 1, area = side * side;
    const first = stride * (y + margin - radius) + 3 * (x + margin - radius) + c, last = first + stride * side;
    return Math.floor((4 * ((sums[last + 3 * side] - sums[last] - sums[first + 3 * side] + sums[first]) >>> 0) + (area >> 1)) / area);
  };
}

/** A step of 65535 of light. */
const stepOf = (light) => (light > 0 ? (light < 1 ? (light * 65535 + 0.5) | 0 : 65535) : 0);

/**
 * Restore a tile from a region {data, width, height, x, y} of codes, which holds all that the tile's boxes cover. With `mark` it
 * becomes white, opaque where sRGB cannot hold the colour and clear elsewhere. `rest` is awaited after each row.
 */
async function restoreTile({ payload, way, exact, size, tile, region, space = "display-p3", depth = 8, mark = false }, rest) {
  const [left, top, width, height] = tile, { boxes, linearColor, intent, blocks, everyPixel } = payload, { data: codes } = region;
  const matrix = FROM_PROPHOTO[mark ? "srgb" : space], matrixIn = TO_PROPHOTO[payload.adaptation];
  const table = depth === 8 && encodingTable(space), light = new Float64Array(3), rgb = new Float64Array(3);
  const low = toleranceOf(payload, exact), high = 255 - low, dx = left - region.x, dy = top - region.y;
  const data = new (depth === 8 ? Uint8ClampedArray : Uint16Array)(4 * width * height);
  const places = new Int32Array(BATCH), lights = new Float64Array(3 * BATCH);
  let network = null, means = null, count = 0;

  const put = (to, red, green, blue) => {
    multiply(rgb, matrix, red, green, blue);
    if (mark) {
      if (leastOf(rgb) < -HALF_CODE || mostOf(rgb) > 1 + HALF_CODE) data.fill(255, to, to + 4);
      return;
    }
    for (let c = 0; c < 3; c++) data[to + c] = table ? table[stepOf(rgb[c])] : 65535 * encode(rgb[c], space) + 0.5;
    data[to + 3] = 65535; // 255 where numbers are clamped
  };
  /** Have the rows of a pixel's inputs summed. */
  const take = (x, y, at) => {
    network ??= startNetwork(payload, size, way, tile, depth);
    means ??= startMeans(region, marginOf(payload));
    network.take(0, y);
    network.take(1, x);
    for (let c = 0; c < 3; c++) {
      if (linearColor) network.takeLight(c, light[c]);
      else network.take(2 + c, codes[at + c]);
    }
    for (let k = 0; k < boxes.length; k++) {
      const { radius, contrast } = boxes[k];
      for (let c = 0; c < 3; c++) {
        const mean = means(x + dx, y + dy, c, radius);
        network.take(5 + 3 * k + c, contrast ? 64 + Math.max(-64, Math.min(64, 4 * codes[at + c] - mean)) : mean);
      }
    }
  };
  const finish = () => {
    const residuals = network.finish();
    for (let p = 0, l = 0, r = 0; p < count; p++, l += 3, r += network.room) {
      put(places[p], lights[l] + residuals[r], lights[l + 1] + residuals[r + 1], lights[l + 2] + residuals[r + 2]);
    }
    count = 0;
  };

  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = 4 * (region.width * (y + dy) + dx); x < width; x++, at += 4, to += 4) {
      const red = codes[at], green = codes[at + 1], blue = codes[at + 2], least = Math.min(red, green, blue), most = Math.max(red, green, blue);
      rgb[0] = LIGHT[red], rgb[1] = LIGHT[green], rgb[2] = LIGHT[blue];
      multiply(light, matrixIn, rgb[0], rgb[1], rgb[2]);
      const moves = intent ? movesOf(intent, red, green, blue) : 0;
      const clipped = payload.depth && (everyPixel || ((least <= low || most >= high) && most > low && least < high));
      const corrected = (clipped || moves) && (!blocks || isLost(payload, size, way, left + x, top + y));
      if (corrected && payload.depth) take(x, y, at);
      if (corrected && moves) {
        moveBack(rgb, intent, moves, codes, at, exact);
        multiply(light, matrixIn, rgb[0], rgb[1], rgb[2]);
      }
      if (corrected && payload.depth) {
        places[count] = to;
        lights.set(light, 3 * count);
        if ((count = network.next()) === BATCH) finish();
      } else put(to, light[0], light[1], light[2]);
    }
    if (rest) await rest();
  }
  if (count) finish();
  return { width, height, data };
}

// Workers

const WORKER = "gamut-pixels.js";
if (globalThis.WorkerGlobalScope && self.name === WORKER) {
  // What it makes is copied: in V8, a worker that gives a buffer away checks every array for that from then on.
  onmessage = ({ data: job }) => (job ? restoreTile(job).then(postMessage).catch(reportError) : postMessage(null));
}

/** Have a worker restore a tile. Without a job it shows that it runs. */
function askWorker(worker, job = null) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data ?? worker);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new GamutError("unsupported", event.message ?? "no worker can be had"));
    };
    worker.postMessage(job, job ? [job.region.data.buffer] : []);
  });
}
const startWorker = async () => askWorker(new Worker(SCRIPT, { name: WORKER }));

/** Workers that wait for tiles; none at all where files, policies or other hosts allow none. */
const idle = [];
let hasWorkers;

/** Restore tiles in JavaScript, in as many workers as there are processors. */
async function restoreInScript({ payload, way, exact, bitmap }, settings, tiles, use) {
  hasWorkers ??= startWorker().then((worker) => Boolean(idle.push(worker)), () => false);
  const lanes = (await hasWorkers) ? Math.min(tiles.length, navigator.hardwareConcurrency ?? 2, 8) : 1;
  let pause = 0, next = 0;
  /** Between slices of work the page stays alive. */
  const rest = async () => {
    if (performance.now() < pause) return;
    await new Promise((resolve) => setTimeout(resolve));
    pause = performance.now() + 12;
  };
  const lane = async () => {
    const worker = (await hasWorkers) ? idle.pop() ?? (await startWorker()) : null;
    while (next < tiles.length) {
      const tile = tiles[next++], region = codesOf(bitmap, regionOf(tile, marginOf(payload), bitmap));
      const job = { ...settings, payload, way, exact, tile, size: [bitmap.width, bitmap.height], region };
      use(tile, await (worker ? askWorker(worker, job) : restoreTile(job, rest)));
    }
    if (worker) idle.push(worker);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const gpuPath = (() => {
// gamut-webgl2.js: the fast path of gamut.js, which loads it where a browser has WebGL2. MIT licence.
//
// The first layer is a sum of table rows, and the tables are textures; the hidden layers run in a fragment shader; pixels that
// do not look clipped leave it early.


/** Of a tile, at most. */
const SIDE = 1024;
const TABLE_WIDTH = 2048, MAX_TEXELS = 1 << 22, MAX_WIDTH_GPU = 512;

/** Multiplications that a GPU is given at once: at first, and at most. */
const FIRST_WORK = 2.5e8, MOST_WORK = 4e10;

/** Names of programs that play a GPU. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Groups of four numbers in a row of the tables: as many as gamut.js gives a row. */
const quadsOf = ({ hidden }) => 2 * ((hidden + 7) >> 3);

/** What the programs share: a pixel's codes; the edge of the picture stands in for what lies beyond it. */
const GLSL = `#version 300 es
precision highp float; precision highp int; precision highp sampler2D; precision highp usampler2D;
uniform sampler2D source; uniform ivec2 origin, size, first; uniform int bottom;
ivec2 inside(ivec2 at) { return clamp(at, ivec2(0), size - 1) - origin; }
ivec3 codes(ivec2 at) { return ivec3(texelFetch(source, inside(at), 0).rgb * 255.0 + 0.5); }
ivec2 place() { ivec2 at = ivec2(gl_FragCoord.xy); return first + (bottom > 0 ? ivec2(at.x, bottom - 1 - at.y) : at); }
`;
const VERTEX = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`;

/** Sums over 2 radius + 1 pixels of a row, exact. */
const SUMS = `${GLSL}uniform int radius; out uvec4 sum;
void main() {
  sum = uvec4(0);
  ivec2 at = ivec2(gl_FragCoord.xy) + origin;
  for (int k = -radius; k <= radius; k++) sum.rgb += uvec3(codes(at + ivec2(k, 0)));
}`;

/** The program of one shape of network; numbers are written into it, so that drivers know where loops end. */
function restoreProgram({ payload, way, exact }, starts, { space, depth, mark }) {
  const { boxes, colorOctaves, firstOctave, intent, blocks } = payload, tolerance = toleranceOf(payload, exact);
  const quads = quadsOf(payload), float = (value) => value.toExponential(9);
  const mat3 = (m) => `mat3(${[0, 3, 6, 1, 4, 7, 2, 5, 8].map((k) => float(m[k])).join()})`;
  const radii = [...new Set(boxes.map((box) => box.radius))];
  const add = (row) => `at = (${row}) * Q; for (int j = 0; j < Q; j++) a[j] += table(at + j);`;
  const channels = (rows) => [0, 1, 2].map((c) => add(rows(c))).join("\n");
  const waves = () => `for (int k = 0; k < ${colorOctaves}; k++) {
    vec3 turns = fract((2.0 * light - 1.0) * exp2(float(k + ${firstOctave - 1})) + 0.5) - 0.5;
    vec3 s = sin(turns * 6.283185307), c = cos(turns * 6.283185307);
    ${[0, 1, 2].map((c) => `for (int j = 0; j < Q; j++) a[j] += s[${c}] * table((${starts[2 + c]} + k) * Q + j)
      + c[${c}] * table((${starts[2 + c] + colorOctaves} + k) * Q + j);`).join("\n")}
  }`;
  const clipped = !payload.depth ? "false" : payload.everyPixel ? "true"
    : `(least <= ${tolerance} || most >= ${255 - tolerance}) && most > ${tolerance} && least < ${255 - tolerance}`;
  const network = !payload.depth ? "" : `
    vec4 a[Q], b[Q];
    int at;
    for (int j = 0; j < Q; j++) a[j] = table(p.y * Q + j);
    ${add(`${starts[1]} + p.x`)}
    ${payload.linearColor ? waves() : channels((c) => `${starts[2 + c]} + code[${c}]`)}
    ivec3 value;
    ${boxes.map(({ radius, contrast }, k) => `value = mean(sums${radii.indexOf(radius)}, p, ${radius});
    ${contrast ? "value = clamp(4 * code - value, -64, 64) + 64;" : ""}
    ${channels((c) => `${starts[5 + 3 * k + c]} + value[${c}]`)}`).join("\n")}
    at = 0;
    for (int layer = 1; layer < ${payload.depth}; layer++) {
      for (int i = 0; i < Q; i++) {
        vec4 sum = vec4(0);
        for (int j = 0; j < Q; j++, at += 4) {
          vec4 x = max(a[j], 0.0);
          sum += x.x * weight(at) + x.y * weight(at + 1) + x.z * weight(at + 2) + x.w * weight(at + 3);
        }
        b[i] = sum;
      }
      for (int i = 0; i < Q; i++) a[i] = b[i];
    }
    for (int j = 0; j < Q; j++, at += 4) {
      vec4 x = max(a[j], 0.0);
      residual += (x.x * weight(at) + x.y * weight(at + 1) + x.z * weight(at + 2) + x.w * weight(at + 3)).rgb;
    }`;
  const curve = space === "prophoto" ? "mix(pow(v, vec3(1.0 / 1.8)), 16.0 * v, lessThan(v, vec3(1.0 / 512.0)))"
    : "mix(1.055 * pow(v, vec3(1.0 / 2.4)) - 0.055, 12.92 * v, lessThan(v, vec3(0.0031308049)))";
  const output = mark ? `color = vec4(any(greaterThan(abs(light - 0.5), vec3(${0.5 + HALF_CODE}))));`
    : `vec3 v = clamp(light, 0.0, 1.0); v = ${curve};
    color = ${depth === 16 ? "uvec4(v * 65535.0 + 0.5, 65535)" : "vec4(floor(v * 255.0 + 0.5) / 255.0, 1)"};`;
  return `${GLSL}const int Q = ${quads};
uniform sampler2D tables, weights; uniform usampler2D blocks; ${radii.map((_, k) => `uniform usampler2D sums${k};`).join("")}
out ${depth === 16 ? "uvec4" : "vec4"} color;
vec4 table(int at) { return texelFetch(tables, ivec2(at & ${TABLE_WIDTH - 1}, at / ${TABLE_WIDTH}), 0); }
vec4 weight(int at) { return texelFetch(weights, ivec2(at & ${TABLE_WIDTH - 1}, at / ${TABLE_WIDTH}), 0); }
vec2 lit(int code) { return texelFetch(weights, ivec2(code, textureSize(weights, 0).y - 1), 0).rg; }
ivec3 mean(usampler2D sums, ivec2 at, int radius) {
  uvec3 sum = uvec3(0);
  for (int k = -radius; k <= radius; k++) sum += texelFetch(sums, inside(at + ivec2(0, k)), 0).rgb;
  int n = (2 * radius + 1) * (2 * radius + 1);
  return (4 * ivec3(sum) + n / 2) / n;
}
${intent ? moveProgram(intent, exact) : ""}${blocks ? lostProgram(payload, way) : ""}
void main() {
  ivec2 p = place();
  ivec3 code = codes(p);
  int least = min(min(code.r, code.g), code.b), most = max(max(code.r, code.g), code.b), moves = 0;
  vec2 r = lit(code.r), g = lit(code.g), b = lit(code.b);
  vec3 rgb = vec3(r.x, g.x, b.x), residual = vec3(0);
  mat3 inwards = ${mat3(TO_PROPHOTO[payload.adaptation])};
  vec3 light = inwards * rgb;
  ${intent ? "moves = movesOf(uvec3(r.y, g.y, b.y));" : ""}
  if ((${clipped} || moves > 0)${blocks ? " && lost(p)" : ""}) {${network}
    ${intent ? "if (moves > 0) light = inwards * moveBack(rgb, code, moves);" : ""}
    light += residual;
  }
  light = ${mat3(FROM_PROPHOTO[mark ? "srgb" : space])} * light;
  ${output}
}`;
}

/** How a pixel was moved into sRGB, and back again, as movesOf() and moveBack() of gamut-pixels.js; in 32 bits. */
function moveProgram({ below, above }, exact) {
  const float = (value) => value.toExponential(9), knee = ({ knee }) => float(knee / 65536);
  const far = (side, room, share) => `(${room} < ${knee(side)} ? ${float(side.limit / 8192)}
    - ${float(side.limit / 8192 - 1 + side.knee / 65536)} * ${share} : 1.0 - ${room})`;
  return `
int movesOf(uvec3 steps) {
  uint least = min(min(steps.r, steps.g), steps.b), most = max(max(steps.r, steps.g), steps.b);
  uint luminance = 13933u * steps.r + 46871u * steps.g + 4732u * steps.b;
  uint low = ${below.knee}u * (luminance & 65535u), high = ${below.knee}u * (luminance >> 16) + (low >> 16);
  bool under = least < high >> 16 || (least == high >> 16 && ((high | low) & 65535u) > 0u);
  return (under && luminance >= ${below.bound * 65536}u ? 1 : 0)
    + (65536u * (65535u - most) < ${above.knee}u * (65535u - least) && least < ${above.bound}u ? 2 : 0);
}
float fraction(ivec3 code, int limiting, int levels, float sign) {
  int part = ${exact ? "(code[(limiting + 1) % 3] + levels / 2 * code[(limiting + 2) % 3]) % levels" : "levels / 2"};
  float c = clamp(float(code[limiting]) + sign * float(part) / float(levels), 0.0, 255.0) / 255.0;
  return c < 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}
vec3 moveBack(vec3 rgb, ivec3 code, int moves) {
  float room, least = min(min(rgb.r, rgb.g), rgb.b), most = max(max(rgb.r, rgb.g), rgb.b);
  if (moves > 1) {
    int limiting = rgb.r == most ? 0 : rgb.g == most ? 1 : 2;
    room = (1.0 - fraction(code, limiting, ${above.levels}, -1.0)) / (1.0 - least);
    rgb = least + (rgb - least) * (${far(above, "room", `room / ${float(Math.max(1, above.knee) / 65536)}`)} * (1.0 - least) / (most - least));
  }
  float grey = dot(rgb, vec3(${[13933, 46871, 4732].map((weight) => float(weight / 65536))}));
  least = min(min(rgb.r, rgb.g), rgb.b);
  if (moves > 1 && !(grey >= ${float(Math.max(1, below.bound) / 65535)} && least < ${knee(below)} * grey)) return rgb;
  room = (moves > 1 ? least : fraction(code, rgb.r == least ? 0 : rgb.g == least ? 1 : 2, ${below.levels}, 1.0)) / grey;
  return grey + (rgb - grey) * (${far(below, "room", `sqrt(room / ${float(Math.max(1, below.knee) / 65536)})`)} / (1.0 - least / grey));
}`;
}

/** Whether a pixel's block holds lost colours, as isLost() of gamut-pixels.js. */
function lostProgram({ width, height }, way) {
  return `
bool lost(ivec2 at) {
  uvec2 whole = uvec2(size), p = uvec2(${way.columns ? "size.x - 1 - at.x" : "at.x"}, ${way.rows ? "size.y - 1 - at.y" : "at.y"});
  uvec2 there = ${way.swap ? `p.yx * uvec2(${width}, ${height}) / whole.yx` : `p * uvec2(${width}, ${height}) / whole`};
  return texelFetch(blocks, ivec2(there >> 4u), 0).r > 0u;
}`;
}

/** Weights of the hidden layers in squares of four by four, and below them the light of the 256 codes and its steps. */
function packWeights(payload) {
  const { layers, hidden, residualScale } = payload, quads = quadsOf(payload), texels = [];
  layers.slice(1).forEach(({ rows, levels, scales }, k) => {
    const unit = k === layers.length - 2 ? residualScale : 1;
    for (let i = 0; i < (rows > 3 ? 4 * quads : 4); i += 4) {
      for (let j = 0; j < 4 * quads; j++) {
        for (let o = i; o < i + 4; o++) texels.push(o < rows && j < hidden ? levels[o * hidden + j] * scales[o] * unit : 0);
      }
    }
  });
  const height = Math.ceil(texels.length / 4 / TABLE_WIDTH) + 1, packed = new Float32Array(4 * TABLE_WIDTH * height);
  packed.set(texels);
  LIGHT.forEach((light, code) => packed.set([light, STEPS[code]], 4 * (TABLE_WIDTH * (height - 1) + code)));
  return { packed, height };
}

/** One context for all pictures of a page: browsers keep few. */
class Gpu {
  static shared = null;

  static get(space) {
    if (Gpu.shared?.gl?.isContextLost()) Gpu.shared = null;
    const gpu = (Gpu.shared ??= new Gpu());
    if (!gpu.gl || gpu.gl.isContextLost()) {
      Gpu.shared = null;
      throw new Error("WebGL2 is not to be had");
    }
    if (space && "drawingBufferColorSpace" in gpu.gl) gpu.gl.drawingBufferColorSpace = space;
    return gpu;
  }

  constructor() {
    this.canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    this.gl = this.canvas.getContext("webgl2", { antialias: false, depth: false, preserveDrawingBuffer: true });
    this.programs = new Map();
    this.work = FIRST_WORK;
  }

  /** What the GPU is called. Chrome tells only whom it has given the extension, which Firefox minds being asked for. */
  name() {
    const { gl } = this, name = gl.getParameter(gl.RENDERER);
    const told = /^webkit/i.test(name) && gl.getExtension("WEBGL_debug_renderer_info");
    return told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : name;
  }

  program(fragment) {
    const { gl, programs } = this;
    if (programs.has(fragment)) return programs.get(fragment);
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const log = gl.getShaderInfoLog(gl.getAttachedShaders(program)[1]) || gl.getProgramInfoLog(program);
      throw new Error(`this GPU cannot run the network: ${log}`);
    }
    programs.set(fragment, program);
    return program;
  }

  texture(unit, upload) {
    const { gl } = this, texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of ["MIN_FILTER", "MAG_FILTER"]) gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${side}`], gl.NEAREST);
    upload(gl.TEXTURE_2D);
    return texture;
  }

  floats(unit, values) {
    const { gl } = this, height = Math.ceil(values.length / 4 / TABLE_WIDTH), padded = new Float32Array(4 * TABLE_WIDTH * height);
    padded.set(values);
    return this.texture(unit, (at) => gl.texImage2D(at, 0, gl.RGBA32F, TABLE_WIDTH, height, 0, gl.RGBA, gl.FLOAT, padded));
  }

  /** One number for each of a payload's blocks. */
  blocks(unit, { columns, rows, bits }) {
    const { gl } = this, values = Uint8Array.from({ length: columns * rows }, (_, k) => (bits[k >> 3] >> (7 - (k & 7))) & 1);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    return this.texture(unit, (at) => gl.texImage2D(at, 0, gl.R8UI, columns, rows, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, values));
  }

  /**
   * Run a program over a part of its target, in strips of about 50 ms. Each is waited for: a GPU takes whatever it is given, and
   * one that software plays would draw nothing else for minutes, no page and no other program's window.
   */
  async draw(fragment, uniforms, [x, y, width, height], cost, target) {
    const { gl } = this, program = this.program(fragment);
    gl.useProgram(program);
    for (const [name, value] of Object.entries(uniforms)) {
      const at = gl.getUniformLocation(program, name);
      if (Array.isArray(value)) gl.uniform2i(at, ...value);
      else gl.uniform1i(at, value);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, target);
    gl.viewport(x, y, width, height);
    gl.enable(gl.SCISSOR_TEST);
    for (let row = 0, rows; row < height; row += rows) {
      rows = Math.min(height - row, Math.max(1, Math.floor(this.work / cost / width)));
      const start = performance.now();
      gl.scissor(x, y + row, width, rows);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      await this.finish();
      const took = performance.now() - start;
      if (took > 100) this.work /= 2;
      else if (took < 25 && row + rows < height) this.work = Math.min(MOST_WORK, 2 * this.work);
    }
  }

  /** Wait until all is drawn, while the page stays alive. */
  async finish() {
    const { gl } = this, fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    while (!gl.isContextLost() && gl.clientWaitSync(fence, 0, 0) === gl.TIMEOUT_EXPIRED) await new Promise((resolve) => setTimeout(resolve));
    gl.deleteSync(fence);
  }

  /** Codes of the frame that is bound. */
  read(width, height, depth) {
    const { gl } = this, count = 4 * width * height;
    const codes = depth === 16 ? new Uint32Array(count) : new Uint8Array(count);
    const kind = depth === 16 ? [gl.RGBA_INTEGER, gl.UNSIGNED_INT] : [gl.RGBA, gl.UNSIGNED_BYTE];
    gl.readPixels(0, 0, width, height, ...kind, codes);
    return { width, height, data: codes };
  }

  frame(texture) {
    const { gl } = this, frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    return frame;
  }
}

/** Whether the fast path can take a picture. */
const fitsGpu = (payload, { width, height }) =>
  payload.hidden <= MAX_WIDTH_GPU && (width + height + 10000) * quadsOf(payload) <= MAX_TEXELS &&
  Math.max(width, height) * Math.max(payload.width, payload.height) < 2 ** 32;

/** "fast", "slow" (software plays the GPU) or "none". */
function speed() {
  try {
    return SOFTWARE.test(Gpu.get().name()) ? "slow" : "fast";
  } catch {
    return "none";
  }
}

/** Pictures one after another: they share a context. */
let last = Promise.resolve();

/** Restore tiles of a picture: `use(tile, restored)` has each on a canvas, or as codes, {width, height, data}. */
function restoreOnGpu(...given) {
  const run = () => drawTiles(...given);
  return (last = last.then(run, run));
}

async function drawTiles(opened, settings, tiles, use) {
  const { payload, bitmap, way } = opened, { space, depth, mark, toCanvas } = settings, { width, height } = bitmap;
  if (!fitsGpu(payload, bitmap)) throw new Error("the network is too wide, or the picture too large, for WebGL2");
  const gpu = Gpu.get(toCanvas && !mark ? space : null), { gl } = gpu;
  const { table, starts } = payload.depth ? tabulate(payload, [width, height], way, [0, 0, width, height]) : { table: [0], starts: [] };
  const fragment = restoreProgram(opened, starts, settings);
  const radii = [...new Set(payload.boxes.map((box) => box.radius))];
  const { packed } = packWeights(payload);
  const kept = [gpu.floats(1, table), gpu.floats(2, packed), ...(payload.blocks ? [gpu.blocks(13, payload.blocks)] : [])];
  const made = [], frames = [];
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  const cost = payload.hidden * (payload.hidden * payload.depth + 30) + 100;
  try {
    for (const tile of tiles) {
      const [x, y, across, down] = regionOf(tile, marginOf(payload), bitmap);
      // By a canvas: Firefox uploads another part of a bitmap than the one that createImageBitmap() cuts out of it.
      const crop = newContext(across, down);
      crop.drawImage(bitmap, -x, -y);
      made.push(gpu.texture(0, (at) => gl.texImage2D(at, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, crop.canvas)));
      const shared = { source: 0, origin: [x, y], size: [width, height] };
      const sums = {};
      for (const [k, radius] of radii.entries()) {
        const texture = gpu.texture(3 + k, (at) => gl.texStorage2D(at, 1, gl.RGBA16UI, across, down));
        made.push(texture);
        frames.push(gpu.frame(texture));
        await gpu.draw(SUMS, { ...shared, radius }, [0, 0, across, down], 10 * radius + 10, frames.at(-1));
        sums[`sums${k}`] = 3 + k;
      }
      let target = null, at = [0, SIDE - tile[3], tile[2], tile[3]];
      if (!toCanvas) {
        made.push(gpu.texture(15, (place) => gl.texStorage2D(place, 1, depth === 16 ? gl.RGBA16UI : gl.RGBA8, tile[2], tile[3])));
        frames.push((target = gpu.frame(made.at(-1))));
        at = [0, 0, tile[2], tile[3]];
      }
      await gpu.draw(fragment, { ...shared, ...sums, tables: 1, weights: 2, blocks: 13, first: tile.slice(0, 2), bottom: toCanvas ? SIDE : 0 }, at, cost, target);
      if (gl.isContextLost()) throw new Error("the GPU was lost");
      use(tile, toCanvas ? gpu.canvas : gpu.read(tile[2], tile[3], depth));
      made.splice(0).forEach((texture) => gl.deleteTexture(texture));
      frames.splice(0).forEach((frame) => gl.deleteFramebuffer(frame));
    }
  } finally {
    [...kept, ...made].forEach((texture) => gl.deleteTexture(texture));
    frames.forEach((frame) => gl.deleteFramebuffer(frame));
  }
}

return { SIDE, restoreOnGpu, speed };
})();

if (globalThis.HTMLElement) {
/**
 * gamut-img.js: <gamut-img><img src="photo.jpg" alt="..."></gamut-img> shows the restored picture where that can be seen, and
 * leaves the plain <img> alone everywhere else. MIT licence.
 *
 * Attributes: `sidecar` (the address of a .gamut file; empty: that of the picture with .gamut behind), `path` ("webgl2" or "js"
 * instead of the better one), `state` ("plain" or "restored", set here) and `why` (a word, set here). Events: "restored", "plain"
 * and "error", which do not bubble.
 */


const STYLE = `
  :host { display: inline-block; position: relative; max-width: 100%; line-height: 0; }
  canvas { position: absolute; pointer-events: none; display: none; }
  :host([state="restored"]) canvas { display: block; }
`;
const wide = matchMedia("(color-gamut: p3)");

/** Pictures one after another: they share a GPU, and a page may hold many. */
let last = Promise.resolve();
const inTurn = (task) => (last = last.then(task, task));

/** Bytes of a file that the browser has in its cache: "force-cache" asks for it no second time. */
async function load(address) {
  const answer = await fetch(address, { cache: "force-cache" }).catch(() => null);
  if (!answer?.ok) throw new GamutError("cors", `${address} cannot be read by a script`);
  return new Uint8Array(await answer.arrayBuffer());
}

class GamutImage extends HTMLElement {
  #canvas = document.createElement("canvas");
  #shown = ""; // the address that is on the canvas, or that failed
  #run = 0;
  #image = null;
  #near = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && this.#update(), { rootMargin: "50%" });
  #sizes = new ResizeObserver(() => this.#lay());
  #changes = new MutationObserver(() => this.connectedCallback());
  #onLoad = () => this.#update();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE); // a strict policy allows no style element
    root.adoptedStyleSheets = [sheet];
    this.#canvas.setAttribute("aria-hidden", "true"); // the <img> below it keeps its alt text
    root.append(document.createElement("slot"), this.#canvas);
  }

  connectedCallback() {
    this.disconnectedCallback();
    this.#image = this.querySelector("img");
    this.#changes.observe(this, { childList: true, subtree: true });
    wide.addEventListener("change", this.#onLoad);
    if (!this.#image) return;
    this.#image.addEventListener("load", this.#onLoad);
    this.#near.observe(this.#image);
    this.#sizes.observe(this.#image);
  }

  disconnectedCallback() {
    for (const observer of [this.#near, this.#sizes, this.#changes]) observer.disconnect();
    this.#image?.removeEventListener("load", this.#onLoad);
    wide.removeEventListener("change", this.#onLoad);
    this.#run++;
  }

  #tell(state, why, event = state, detail = { why }) {
    if (this.getAttribute("state") === state && this.getAttribute("why") === why) return;
    this.setAttribute("state", state);
    this.setAttribute("why", why);
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }

  #update() {
    const image = this.#image;
    if (!wide.matches) return this.#tell("plain", "screen");
    if (!image?.complete || !image.naturalWidth) return undefined; // its load event comes
    const address = image.currentSrc;
    if (address === this.#shown) return this.#canvas.width ? this.#lay() || this.#tell("restored", "") : undefined;
    this.#shown = address;
    const run = ++this.#run;
    return inTurn(() => (run === this.#run ? this.#restore(address, run) : undefined));
  }

  async #restore(address, run) {
    try {
      // Of another host, only what the <img> itself has asked for with CORS may be read: no need to ask and be refused.
      if (new URL(address).origin !== origin && !/^(blob|data):/.test(address) && this.#image.crossOrigin === null) {
        throw new GamutError("cors", `${address} is of another host, and has no crossorigin attribute`);
      }
      const sidecar = this.getAttribute("sidecar");
      const told = await render(this.#canvas, await load(address), {
        sidecar: sidecar === null ? undefined : await load(new URL(sidecar || `${address}.gamut`, document.baseURI)),
        path: this.getAttribute("path") ?? "auto",
        maxPixels: this.#pixels(),
      });
      if (run !== this.#run) return;
      if (told.space !== "display-p3") throw new GamutError("browser", "this browser draws no Display P3");
      this.#lay();
      this.#tell("restored", "", "restored", told);
    } catch (error) {
      if (run !== this.#run) return;
      this.#canvas.width = 0;
      const why = error instanceof GamutError ? error.code : "error";
      this.#tell("plain", why, ["no-payload", "cors", "browser", "noise"].includes(why) ? "plain" : "error", { why, error });
    }
  }

  /** Twice as many pixels as the picture takes on the screen: room for growing a little. */
  #pixels() {
    const { width, height } = this.#image.getBoundingClientRect();
    return Math.max(65536, 2 * width * height * devicePixelRatio ** 2);
  }

  /** Put the canvas right over the picture, with its fit and its corners. */
  #lay() {
    const image = this.#image, style = getComputedStyle(image), canvas = this.#canvas;
    if (!canvas.width || !image.offsetWidth) return;
    const edge = (side) => parseFloat(style[`border${side}Width`]) + parseFloat(style[`padding${side}`]);
    Object.assign(canvas.style, {
      left: `${image.offsetLeft + edge("Left")}px`,
      top: `${image.offsetTop + edge("Top")}px`,
      width: `${image.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)}px`,
      height: `${image.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)}px`,
      objectFit: style.objectFit,
      objectPosition: style.objectPosition,
      borderRadius: style.borderRadius,
    });
  }
}

if (!customElements.get("gamut-img")) customElements.define("gamut-img", GamutImage);
}
globalThis.gamut = { GamutError, decodePayload, render, restore, restorePixels };
})();
