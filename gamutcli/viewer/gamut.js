// gamut.js: an sRGB file that carries a payload of `gamut reduce` becomes its wide-gamut picture again. MIT licence.
// docs/WEB.md of gamutcli says how it is used; it is written from docs/FORMAT.md, whose sections number the ones below.
// This module reads files and draws on canvases; gamut-pixels.js restores pixels, and gamut-webgl2.js where there is a GPU.

import { marginOf, regionOf, restoreTile } from "./gamut-pixels.js";

/** What went wrong. `code`: "no-payload", "damaged", "version", "changed", "unsupported" or "noise". */
export class GamutError extends Error {
  name = "GamutError";
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// 1. Finding the payload

const NAMESPACE = "https://gamutcli.github.io/ns/1.0/";
const PART = /gamut1:([0-9]{1,3})\/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})/g;
const MAX_TEXT = 8 << 20, MAX_PAYLOAD = 4 << 20, MAX_COPIES = 4;

const ascii = (bytes, start, end) => new TextDecoder("latin1").decode(bytes.subarray(start, end));
const startsWith = (bytes, text, at = 0) => [...text].every((letter, k) => bytes[at + k] === letter.charCodeAt(0));
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const joined = async (pieces) => new Uint8Array(await new Blob(pieces).arrayBuffer());

/** Take a file apart. `bare` is the file without its metadata: browsers decode it as it is stored, not turned, not converted. */
async function takeApart(bytes) {
  const file = { type: "", xmp: [], exif: [], extended: [], bare: [] };
  if (startsWith(bytes, "\xff\xd8")) takeJpegApart(bytes, file);
  else if (startsWith(bytes, "\x89PNG\r\n")) await takePngApart(bytes, file);
  else if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) takeWebpApart(bytes, file);
  else throw new GamutError("unsupported", "neither JPEG, PNG nor WebP");
  return file;
}

function takeJpegApart(bytes, file) {
  const kinds = {
    "http://ns.adobe.com/xap/1.0/\0": file.xmp,
    "http://ns.adobe.com/xmp/extension/\0": file.extended,
    "Exif\0\0": file.exif,
  };
  file.type = "image/jpeg";
  file.bare.push(bytes.subarray(0, 2));
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const marker = bytes[at + 1], end = at + 2 + 256 * bytes[at + 2] + bytes[at + 3];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (end > bytes.length || end < at + 4) break;
    // APP1 holds EXIF and XMP, APP2 profiles and what belongs to other pictures.
    if (marker !== 0xe1 && marker !== 0xe2) file.bare.push(bytes.subarray(at, end));
    for (const [signature, list] of marker === 0xe1 ? Object.entries(kinds) : []) {
      if (startsWith(bytes, signature, at + 4)) list.push(bytes.subarray(at + 4 + signature.length, end));
    }
    at = end;
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

/** The XMP packet of a PNG text chunk, in a list that is empty where it holds none. */
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
    for (let piece, length = 0; !(piece = await reader.read()).done; ) {
      length += piece.value.length;
      if (length > most) throw new Error("more is inflated than there should be");
      pieces.push(piece.value);
    }
  } catch {
    reader.cancel().catch(() => {});
    throw damaged("a compressed part is damaged, or too long");
  }
  return joined(pieces);
}
const damaged = (message) => new GamutError("damaged", message);
const unknown = (what) => new GamutError("version", `${what} of the payload is unknown here: a newer program is needed`);

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
  /** Where an entry of a directory lies; undefined where there is none. */
  const entry = (directory, tag) => {
    const count = directory + 2 <= block.length ? data.getUint16(directory, little) : 0;
    for (let k = 0, at = directory + 2; k < count && at + 12 <= block.length; k++, at += 12) {
      if (data.getUint16(at, little) === tag) return at;
    }
    return undefined;
  };
  const first = block.length < 8 ? block.length : data.getUint32(4, little);
  const turn = entry(first, 0x0112), pointer = entry(first, 0x8769);
  const comment = pointer && entry(data.getUint32(pointer + 8, little), 0x9286);
  const from = comment && data.getUint32(comment + 8, little);
  return {
    orientation: (turn && data.getUint16(turn + 8, little)) || 1,
    comment: comment ? ascii(block, from, from + data.getUint32(comment + 4, little)).replaceAll("\0", "") : "",
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

/** The SHA-256 of bytes in hexadecimal digits; "" where a page is not served safely and browsers refuse to compute it. */
const sha256 = async (bytes) =>
  globalThis.crypto?.subtle ? hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))) : "";
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

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
    // A part that turned up with several bodies hides none of them; so many ways to join them are tried.
    const ways = Math.min(64, parts.reduce((product, bodies) => product * bodies.size, parts.length && 1));
    for (let way = 0; way < ways; way++) {
      let rest = way;
      const bodies = parts.map((each) => {
        const body = [...each][rest % each.size];
        rest = Math.floor(rest / each.size);
        return body;
      });
      try {
        const payload = await joined(bodies.map((body) => Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))));
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
  if (crc32(data.subarray(0, -4)) !== view(data).getUint32(data.length - 4, true)) {
    throw damaged("the payload is damaged: its checksum does not match");
  }
  const header = view(data), flags = data[5], boxesEnd = 44 + 2 * data[38], boxes = [];
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
  const { side, depth, hidden, positionOctaves, colorOctaves } = payload;
  const bounds = [[flags, 0, 7], [payload.tolerance, 0, 64], [side, 1, 32], [payload.width, 1, 1 << 20], [payload.height, 1, 1 << 20],
    [positionOctaves, 0, 16], [colorOctaves, 0, 16], [payload.firstOctave, -16, 16], [depth, 0, 8], [data[38], 0, 8], [data[39], 0, 0],
    [hidden, depth && 1, depth && 1024], [positionOctaves + colorOctaves, depth && 1, 32], [boxesEnd + 4, 0, data.length]];
  for (let at = 44; at < Math.min(boxesEnd, data.length); at += 2) {
    boxes.push({ radius: data[at] & 127, contrast: data[at] > 127, octaves: data[at + 1] });
    bounds.push([data[at] & 127, 0, 64], [data[at + 1], 0, 16]);
  }
  if (!Number.isFinite(payload.residualScale) || bounds.some(([value, least, most]) => value < least || value > most)) {
    throw damaged("the payload's numbers are out of bounds");
  }
  const bodyAt = data[4] === 1 ? boxesEnd : await readFields(data.subarray(0, -4), boxesEnd, payload);

  const inputs = 4 * positionOctaves + 6 * boxes.reduce((sum, box) => sum + box.octaves, colorOctaves);
  const widths = depth ? [inputs, ...Array(depth).fill(hidden), 3] : [], layers = widths.slice(1).map((rows, k) => ({ rows, columns: widths[k] }));
  const outputs = layers.reduce((sum, { rows }) => sum + rows, 0), levels = layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const gridBytes = 3 * side * side, body = await inflateWhole(data.subarray(bodyAt, -4), gridBytes + levels + 2 * outputs);

  const grid = body.slice(0, gridBytes);
  grid.forEach((step, k) => {
    if (k % (3 * side) >= 3) grid[k] = step + grid[k - 3];
  });
  let at = gridBytes, row = gridBytes + levels, reach = Math.max(1, Math.abs(payload.residualScale));
  for (const layer of layers) {
    layer.levels = new Int8Array(body.buffer, at, layer.rows * layer.columns).slice();
    layer.scales = Float32Array.from({ length: layer.rows }, (_, o) => float16(body[row + o] | (body[row + o + outputs] << 8)));
    at += layer.levels.length;
    row += layer.rows;
    const sums = Array.from(layer.scales, (scale, o) =>
      Math.abs(scale) * layer.levels.subarray(o * layer.columns, (o + 1) * layer.columns).reduce((sum, level) => sum + Math.abs(level), 0));
    reach *= Math.max(1, ...sums); // NaN stays NaN
  }
  if (!(reach < 1e24)) throw damaged("the payload's weights make no sense");
  return { ...payload, grid, layers, weights: levels };
}

/** Inflate a raw stream to exactly so many bytes. */
async function inflateWhole(deflated, size) {
  const whole = await inflate(deflated, "deflate-raw", size);
  // Not every DecompressionStream minds what lies behind the stream; a stream that needs its last byte has nothing there.
  const junk = await inflate(deflated.subarray(0, -1), "deflate-raw", size).then(() => true, () => false);
  if (whole.length !== size || junk) throw damaged("a compressed part has the wrong length");
  return whole;
}

/** Read the fields of version 2, `intent` and `blocks`, into a payload: where they end. None may be skipped. */
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
export async function decodePayload(bytes) {
  return (await decodePayloads(bytes))[0];
}

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

/** The eight ways a picture can lie, as they were: whether x and y are swapped, rows and columns run backwards. */
const WAYS = Array.from({ length: 8 }, (_, k) => ({ swap: k > 3, rows: Boolean(k & 1), columns: Boolean(k & 2) }));

/** RGB codes as they lay once. */
function turnBack(rgb, width, height, way) {
  if (way === WAYS[0]) return rgb;
  const turned = new Uint8Array(rgb.length);
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = way.rows ? height - 1 - y : y, v = way.columns ? width - 1 - x : x, to = 3 * (way.swap ? v * height + u : u * width + v);
      for (let c = 0; c < 3; c++) turned[to + c] = rgb[from++];
    }
  }
  return turned;
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
  const sameSize = WAYS.some(fits), rgb = new Uint8Array(sameSize ? 3 * width * height : 0), means = new Float64Array(3 * side * side), sums = new Float64Array(3 * side);
  const columns = overlaps(width, side), rows = overlaps(height, side);
  let at = 0, row = 0, opaque = true;
  for await (const codes of strips) {
    for (let k = 0; k < codes.length; row++) {
      sums.fill(0);
      for (let x = 0; x < width; x++, k += 4) {
        if (sameSize) (rgb[at++] = codes[k]), (rgb[at++] = codes[k + 1]), (rgb[at++] = codes[k + 2]);
        opaque &&= codes[k + 3] === 255;
        for (const [block, share] of columns[x]) for (let c = 0; c < 3; c++) sums[3 * block + c] += share * codes[k + c];
      }
      for (const [block, share] of rows[row]) for (let k = 0; k < 3 * side; k++) means[3 * side * block + k] += share * sums[k];
    }
  }
  /** Mean difference from the grid of a picture that lay in some way. */
  const difference = (way) => means.reduce((sum, mean, k) => {
    const a = Math.floor(k / 3 / side), b = Math.floor(k / 3) % side, y = way.rows ? side - 1 - a : a, x = way.columns ? side - 1 - b : b;
    return sum + Math.abs(mean - grid[3 * (way.swap ? x * side + y : y * side + x) + (k % 3)]) / means.length;
  }, 0);
  const differences = WAYS.map(difference), least = Math.min(...differences), way = WAYS[differences.indexOf(least)];
  for (const lay of new Set([WAYS[0], way])) {
    if (opaque && fits(lay) && (await sha256(turnBack(rgb, width, height, lay))).startsWith(digest)) return { status: "ok", way: lay };
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

// 4. Decoding the picture

/** Refuse what no network of `gamut reduce` comes near: it would take the machine. */
function guardWork({ hidden, weights }, width, height) {
  if (weights * width * height > (hidden > 256 ? 2 ** 36 : 2 ** 40)) throw new GamutError("unsupported", "the network is too large for the picture");
}

/** Restore pixels {width, height, data} that are decoded already, RGBA codes as they were stored: the same, and a status. */
export async function restorePixels(payload, { width, height, data }, options = {}) {
  const { way, status } = await matchPixels(payload, width, height, [data], options), region = { data, width, height, x: 0, y: 0 };
  const job = { ...options, payload, way, exact: status === "ok", region, size: [width, height], tile: [0, 0, width, height] };
  return { ...(await restoreTile(job)), status };
}

// 5. In a browser: decoding, and the JavaScript path

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
const startWorker = async () => askWorker(new Worker(new URL("./gamut-pixels.js", import.meta.url), { type: "module", name: "gamut-pixels.js" }));

/** Workers that wait for tiles; none at all where files, policies or other hosts allow none. */
const idle = [];
let hasWorkers;

/** Restore tiles in JavaScript, in as many workers as there are processors. */
async function restoreInScript({ payload, way, exact, bitmap }, settings, tiles, use) {
  if (!readsTrue()) throw new GamutError("noise", "this browser adds noise to pixels that scripts read");
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
      const tile = tiles[next++], { data, ...region } = codesOf(bitmap, regionOf(tile, marginOf(payload), bitmap));
      const job = { ...settings, payload, way, exact, tile, size: [bitmap.width, bitmap.height], region: { data, ...region } };
      use(tile, await (worker ? askWorker(worker, job) : restoreTile(job, rest)));
    }
    if (worker) idle.push(worker);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

const newCanvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** A part of a bitmap as RGBA codes: {data, width, height, x, y}. */
function codesOf(bitmap, [x, y, width, height]) {
  const context = newCanvas(width, height).getContext("2d", { willReadFrequently: true });
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
  const context = newCanvas(16, 16).getContext("2d", { willReadFrequently: true }), image = context.createImageData(16, 16);
  image.data.forEach((_, k) => (image.data[k] = k % 4 === 3 ? 255 : (k * 97) % 256));
  context.putImageData(image, 0, 0);
  return (isTrue = context.getImageData(0, 0, 16, 16).data.every((code, k) => code === image.data[k]));
}

/** Open a picture: its payload, its pixels as stored, whether they fit. */
async function open(bytes, { sidecar, check = true, force }) {
  const file = await takeApart(bytes), payloads = await decodePayloads(sidecar ?? bytes);
  // One piece: Firefox decodes no blob of several.
  const blob = new Blob([await joined(file.bare)], { type: file.type });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw new GamutError("unsupported", "this browser cannot decode the picture");
  });
  try {
    const { width, height } = bitmap;
    let match = { payload: payloads[0], status: "unchecked", way: WAYS[0] };
    if (check && readsTrue()) match = await choosePayload(payloads, width, height, () => stripsOf(bitmap), { force });
    guardWork(match.payload, width, height);
    const orientation = file.exif.map((block) => readExif(block).orientation).find((turn) => turn > 1 && turn < 9) ?? 1;
    return { bitmap, orientation, ...match, exact: match.status === "ok" };
  } catch (error) {
    bitmap.close();
    throw error;
  }
}

/** Where the upright picture's pixel (x, y) lies in one stored with this orientation: [a, b, c, d, e, f] as of a canvas. */
function uprightMatrix(orientation, width, height) {
  return [, [1, 0, 0, 1, 0, 0], [-1, 0, 0, 1, width, 0], [-1, 0, 0, -1, width, height], [1, 0, 0, -1, 0, height],
    [0, 1, 1, 0, 0, 0], [0, 1, -1, 0, height, 0], [0, -1, -1, 0, height, width], [0, -1, 1, 0, 0, width]][orientation];
}

// 6. Onto arrays and canvases

/** Who does not need WebGL2 does not load it; where it cannot be loaded, JavaScript restores. */
const loadGpu = () => import("./gamut-webgl2.js").catch(() => null);

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
      if (path === "js") await restoreInScript(opened, settings, [...plan(512)], use);
      else await gpu.restoreOnGpu(opened, settings, plan(gpu.SIDE), use);
      return path;
    } catch (error) {
      if (!paths.length) throw error instanceof GamutError ? error : new GamutError("unsupported", error.message);
    }
  }
}

/** Restore a picture: {width, height, data, path, status, payload} with RGBA codes, upright. */
export async function restore(bytes, { space = "display-p3", depth = 8, path = "auto", ...options } = {}) {
  const opened = await open(bytes, options), { bitmap, payload, orientation, status } = opened, { width, height } = bitmap;
  try {
    if (!readsTrue()) throw new GamutError("noise", "this browser adds noise to pixels that scripts read");
    const data = new (depth === 16 ? Uint16Array : Uint8ClampedArray)(4 * width * height), swapped = orientation > 4;
    const [a, b, c, d, e, f] = uprightMatrix(orientation, width, height), across = swapped ? height : width;
    const put = ([left, top, w, h], { data: codes }) => {
      for (let k = 0; k < w * h; k++) {
        // Centres of pixels are turned; they lie half a pixel from their corners.
        const x = left + (k % w) + 0.5, y = top + Math.floor(k / w) + 0.5;
        const to = 4 * (Math.floor(a * x + c * y + e) + across * Math.floor(b * x + d * y + f));
        for (let i = 0; i < 4; i++) data[to + i] = codes[4 * k + i];
      }
    };
    const taken = await restoreTiles(opened, { space, depth, path }, (side) => tilesOf(width, height, side), put);
    return { width: across, height: swapped ? width : height, data, path: taken, status, payload };
  } finally {
    bitmap.close();
  }
}

/** A canvas of more pixels stays empty on some phones. */
const MAX_CANVAS = 16777216;

/** Draw the restored picture, or where sRGB cannot hold it (`mark`), on a canvas, of `maxPixels` at most. */
export async function render(canvas, bytes, { maxPixels = MAX_CANVAS, mark = false, path = "auto", ...options } = {}) {
  const opened = await open(bytes, options), { bitmap, payload, orientation, status } = opened;
  const { width, height } = bitmap, swapped = orientation > 4;
  const scale = Math.min(1, Math.sqrt(Math.min(maxPixels, MAX_CANVAS) / (width * height)));
  const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
  const context = canvas.getContext("2d", { colorSpace: "display-p3" });
  const space = context.getContextAttributes?.().colorSpace ?? "srgb";
  /** Clear the canvas. Tiles end at its whole pixels, and reach a little further, for what smoothing sees. */
  const plan = (side) => {
    Object.assign(canvas, { width: swapped ? h : w, height: swapped ? w : h });
    context.setTransform(...uprightMatrix(orientation, w, h));
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
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
  try {
    const taken = await restoreTiles(opened, { space, mark, path, depth: 8, toCanvas: true }, plan, put);
    return { width: swapped ? height : width, height: swapped ? width : height, path: taken, status, space, payload };
  } finally {
    bitmap.close();
  }
}

/** Codes on a canvas of their own. */
function sheetOf({ width, height, data }, colorSpace) {
  const sheet = newCanvas(width, height);
  sheet.getContext("2d", { colorSpace }).putImageData(new ImageData(data, width, height, { colorSpace }), 0, 0);
  return sheet;
}
