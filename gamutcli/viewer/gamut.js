/**
 * gamut.js: shows what `gamut reduce` keeps. An ordinary sRGB file that carries a payload becomes its wide-gamut picture
 * again, on the page and without a server. MIT licence.
 *
 * Written from docs/FORMAT.md of gamutcli, whose sections number the ones below.
 *
 *   decodePayload(bytes)            what the file holds
 *   restore(bytes, options)         the restored picture as RGBA codes
 *   render(canvas, bytes, options)  the restored picture on a canvas
 *   restorePixels(payload, pixels)  likewise from pixels that are decoded already: no browser is needed
 */

/** What went wrong. `code`: "no-payload", "damaged", "version", "changed", "unsupported" or "noise". */
export class GamutError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "GamutError";
    this.code = code;
  }
}

// 1. Finding the payload

const NAMESPACE = "https://gamutcli.github.io/ns/1.0/";
const PART = /gamut1:([0-9]{1,3})\/([0-9]{1,3}):([0-9a-f]{16}):([A-Za-z0-9+/]*={0,2})/g;
const MAX_TEXT = 8 << 20, MAX_PAYLOAD = 4 << 20, MAX_DEPTH = 100;

const ascii = (bytes, start = 0, end = bytes.length) =>
  new TextDecoder("latin1").decode(bytes.subarray(start, end));
const startsWith = (bytes, text, at = 0) => [...text].every((letter, k) => bytes[at + k] === letter.charCodeAt(0));
const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Take a file apart: {type, xmp, exif, extended, bare}. The first three lists are metadata; `bare` is the file without any,
 * so that a browser decodes the pixels as they are stored, neither turned nor converted.
 */
async function takeApart(bytes) {
  if (startsWith(bytes, "\xff\xd8")) return takeJpegApart(bytes);
  if (startsWith(bytes, "\x89PNG\r\n")) return takePngApart(bytes);
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return takeWebpApart(bytes);
  throw new GamutError("unsupported", "neither JPEG, PNG nor WebP");
}

function takeJpegApart(bytes) {
  const file = { type: "image/jpeg", xmp: [], exif: [], extended: [], bare: [bytes.subarray(0, 2)] };
  const kinds = {
    "http://ns.adobe.com/xap/1.0/\0": file.xmp,
    "http://ns.adobe.com/xmp/extension/\0": file.extended,
    "Exif\0\0": file.exif,
  };
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const marker = bytes[at + 1];
    const end = at + 2 + 256 * bytes[at + 2] + bytes[at + 3];
    if (marker === 0xff) {
      at += 1;
    } else if (end > bytes.length || end < at + 4) {
      break;
    } else {
      for (const [signature, list] of Object.entries(kinds)) {
        if (marker === 0xe1 && startsWith(bytes, signature, at + 4)) list.push(bytes.subarray(at + 4 + signature.length, end));
      }
      // APP1 holds EXIF and XMP, APP2 profiles and what belongs to other pictures.
      if (marker !== 0xe1 && marker !== 0xe2) file.bare.push(bytes.subarray(at, end));
      at = end;
    }
  }
  file.bare.push(bytes.subarray(at));
  return file;
}

async function takePngApart(bytes) {
  const file = { type: "image/png", xmp: [], exif: [], extended: [], bare: [bytes.subarray(0, 8)] };
  for (let at = 8, end; at + 12 <= bytes.length; at = end) {
    end = at + 12 + view(bytes).getUint32(at);
    if (end > bytes.length) break;
    const kind = ascii(bytes, at + 4, at + 8), body = bytes.subarray(at + 8, end - 4);
    if (kind === "eXIf") file.exif.push(body);
    if (/^(iTXt|zTXt|tEXt)$/.test(kind)) file.xmp.push(...(await xmpOfText(kind, body)));
    // Of what a decoder may do without, only transparency belongs to the pixels.
    if (/^[A-Z]|^tRNS/.test(kind)) file.bare.push(bytes.subarray(at, end));
  }
  return file;
}

/** The XMP packet of a PNG text chunk, in a list that is empty where it holds none. */
async function xmpOfText(kind, body) {
  const keyword = ascii(body, 0, Math.max(0, body.subarray(0, 80).indexOf(0)));
  const raw = keyword === "Raw profile type xmp";
  if ((keyword !== "XML:com.adobe.xmp" && !raw) || body.length > MAX_TEXT) return [];
  let at = keyword.length + 1, compressed = kind === "zTXt";
  if (compressed) at += 1;
  if (kind === "iTXt") {
    compressed = body[at] === 1;
    at = body.indexOf(0, body.indexOf(0, at + 2) + 1) + 1;
  }
  let text = body.subarray(at);
  if (compressed) text = await inflate(text, "deflate", MAX_TEXT);
  if (!raw) return [text];
  const digits = ascii(text).replace(/^\n.*\n\s*\d+\n/, "").replace(/\s/g, "");
  return [Uint8Array.from({ length: digits.length >> 1 }, (_, k) => parseInt(digits.substr(2 * k, 2), 16))];
}

function takeWebpApart(bytes) {
  const file = { type: "image/webp", xmp: [], exif: [], extended: [], bare: [bytes.slice(0, 12)] };
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
  view(file.bare[0]).setUint32(4, file.bare.reduce((sum, piece) => sum + piece.length, -8), true);
  return file;
}

/** Inflate so many bytes at most. Anything but one whole stream that ends with the data is an error. */
async function inflate(data, format, most) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const pieces = [];
  let length = 0;
  try {
    for (let piece; !(piece = await reader.read()).done; ) {
      length += piece.value.length;
      pieces.push(piece.value);
      if (length > most) throw new GamutError("damaged", "more is inflated than there should be");
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof GamutError ? error : new GamutError("damaged", "a compressed part is damaged");
  }
  return joined(pieces);
}

/** Values of the property Payload in an XMP packet, told by its namespace and not by a prefix. */
function xmpValues(packet) {
  const values = [];
  const wide = packet[0] === 0 || packet[1] === 0 || packet[0] >= 0xfe;
  const little = packet[0] === 0xff || packet[1] === 0;
  const text = new TextDecoder(wide ? (little ? "utf-16le" : "utf-16be") : "utf-8").decode(packet);
  if (text.includes("<!DOCTYPE") || !text.includes(NAMESPACE)) return values;
  const scopes = [Object.create(null)];
  const isPayload = (name) => {
    const [prefix, local] = name.includes(":") ? name.split(":") : ["", name];
    return local === "Payload" && scopes.at(-1)[prefix] === NAMESPACE;
  };
  for (let at = text.indexOf("<"), end; at >= 0; at = text.indexOf("<", end)) {
    const special = [["<!--", "-->"], ["<?", "?>"], ["<![", "]]>"]].find(([open]) => text.startsWith(open, at));
    end = special ? text.indexOf(special[1], at) : tagEnd(text, at);
    if (end < 0) break;
    if (special) continue;
    const tag = text.slice(at + 1, end);
    if (tag[0] === "/") {
      if (scopes.length > 1) scopes.pop();
      continue;
    }
    const name = /^[^\s/]*/.exec(tag)[0];
    const attributes = [...tag.matchAll(/\s([^\s=]+)\s*=\s*("[^"]*"|'[^']*')/g)].map((match) => [match[1], match[2].slice(1, -1)]);
    const names = attributes.filter(([key]) => /^xmlns(:|$)/.test(key));
    const scope = names.length ? Object.create(scopes.at(-1)) : scopes.at(-1);
    for (const [key, value] of names) scope[key.slice(6)] = value;
    if (scopes.push(scope) > MAX_DEPTH) break;
    for (const [key, value] of attributes) if (key.includes(":") && isPayload(key)) values.push(value);
    if (isPayload(name)) values.push(text.slice(end + 1, text.indexOf("<", end) >>> 0));
    if (tag.endsWith("/")) scopes.pop();
  }
  const spelt = (_, hex, code) => String.fromCharCode(parseInt(code, hex ? 16 : 10));
  return values.map((value) => value.replace(/&#(x?)([0-9a-f]{1,4});/gi, spelt));
}

/** Where a tag ends: at a > that stands in no quoted value. */
function tagEnd(text, at) {
  for (let quote = ""; at < text.length; at++) {
    const letter = text[at];
    if (quote) quote = letter === quote ? "" : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ">") return at;
  }
  return -1;
}

/** Orientation and user comment of an EXIF block: {orientation, comment}. */
function readExif(block) {
  const little = startsWith(block, "II"), found = { orientation: 1, comment: "" };
  const data = view(block);
  const entries = (at) => {
    const list = [];
    const count = at + 2 <= block.length ? data.getUint16(at, little) : 0;
    for (let k = 0, place = at + 2; k < count && place + 12 <= block.length; k++, place += 12) {
      list.push({
        tag: data.getUint16(place, little),
        count: data.getUint32(place + 4, little),
        short: data.getUint16(place + 8, little),
        long: data.getUint32(place + 8, little),
      });
    }
    return list;
  };
  if (block.length < 8) return found;
  for (const entry of entries(data.getUint32(4, little))) {
    if (entry.tag === 0x0112 && entry.short >= 1 && entry.short <= 8) found.orientation = entry.short;
    if (entry.tag !== 0x8769) continue;
    const comment = entries(entry.long).find((inner) => inner.tag === 0x9286);
    if (comment) found.comment = ascii(block, comment.long, comment.long + comment.count).replaceAll("\0", "");
  }
  return found;
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
async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return "";
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Find a file's payload, as it travels: {payload, carrier}. */
async function findPayload(file) {
  const groups = new Map();
  const collect = (carrier, texts) => {
    for (const text of texts) {
      for (const [, index, total, digest, body] of text.replace(/\s/g, "").matchAll(PART)) {
        const key = `${digest}/${Number(total)}`;
        if (!groups.has(key)) groups.set(key, { digest, total: Number(total), parts: new Map(), carriers: new Set() });
        groups.get(key).parts.set(Number(index), body);
        groups.get(key).carriers.add(carrier);
      }
    }
  };
  const short = (packet) => packet.length <= MAX_TEXT;
  collect("xmp", file.xmp.filter(short).flatMap(xmpValues));
  collect("extended-xmp", joinExtensions(file.extended).flatMap(xmpValues));
  collect("exif", file.exif.filter(short).map((block) => readExif(block).comment));
  if (!groups.size) throw new GamutError("no-payload", "this picture holds no payload");
  for (const { digest, total, parts, carriers } of groups.values()) {
    const bodies = Array.from({ length: total <= 64 ? total : 0 }, (_, k) => parts.get(k + 1));
    if (!bodies.length || parts.size !== total || bodies.includes(undefined)) continue;
    try {
      const payload = joined(bodies.map((body) => Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0))));
      const whole = await sha256(payload);
      if (!whole || whole.startsWith(digest)) return { payload, carrier: [...carriers].join("+") };
    } catch { /* what is no base64 is no part */ }
  }
  throw new GamutError("damaged", "the payload is incomplete or damaged");
}

// 2. The payload, byte by byte

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let k = 0; k < 8; k++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function float16(bits) {
  const mantissa = bits & 1023, exponent = (bits >> 10) & 31, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return NaN;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + mantissa / 1024) : (sign * mantissa) / 2 ** 24;
}

/** How each version is read; a newer one adds its own and gives the same fields. */
const VERSIONS = { 1: unpackVersion1 };

/** Unpack a bare payload (bytes that begin with GMUT). */
export async function unpack(data) {
  if (data.length < 48 || data.length > MAX_PAYLOAD || !startsWith(data, "GMUT")) {
    throw new GamutError("damaged", "this is no payload");
  }
  const read = VERSIONS[data[4]];
  if (!read) throw new GamutError("version", `payload version ${data[4]}: a newer program is needed`);
  if (crc32(data.subarray(0, -4)) !== view(data).getUint32(data.length - 4, true)) {
    throw new GamutError("damaged", "the payload is damaged: its checksum does not match");
  }
  return { version: data[4], size: data.length, ...(await read(data)) };
}

async function unpackVersion1(data) {
  const header = view(data), flags = data[5];
  const payload = {
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
    boxes: [],
  };
  const { side, depth, hidden, boxes } = payload;
  const within = (value, least, most) => value >= least && value <= most;
  const bodyAt = 44 + 2 * data[38];
  let sane = flags <= 7 && payload.tolerance <= 64 && within(side, 1, 32) && Number.isFinite(payload.residualScale);
  sane &&= within(payload.width, 1, 1 << 20) && within(payload.height, 1, 1 << 20) && data[39] === 0;
  sane &&= payload.positionOctaves <= 16 && payload.colorOctaves <= 16 && within(payload.firstOctave, -16, 16);
  sane &&= depth ? within(hidden, 1, 1024) && payload.positionOctaves + payload.colorOctaves > 0 : hidden === 0;
  sane &&= depth <= 8 && data[38] <= 8 && bodyAt + 4 <= data.length;
  for (let at = 44; sane && at < bodyAt; at += 2) {
    boxes.push({ radius: data[at] & 127, contrast: data[at] > 127, octaves: data[at + 1] });
    sane = boxes.at(-1).radius <= 64 && boxes.at(-1).octaves <= 16;
  }
  if (!sane) throw new GamutError("damaged", "the payload's numbers are out of bounds");

  const inputs = 4 * payload.positionOctaves + 6 * boxes.reduce((sum, box) => sum + box.octaves, payload.colorOctaves);
  const widths = depth ? [inputs, ...Array(depth).fill(hidden), 3] : [];
  const outputs = widths.slice(1).reduce((sum, width) => sum + width, 0);
  const levels = widths.slice(1).reduce((sum, width, k) => sum + width * widths[k], 0);
  const gridBytes = 3 * side * side, size = gridBytes + levels + 2 * outputs;
  const deflated = data.subarray(bodyAt, -4);
  const body = await inflate(deflated, "deflate-raw", size);
  // Not every DecompressionStream minds what lies behind the stream; a stream that needs its last byte has nothing there.
  const junk = await inflate(deflated.subarray(0, -1), "deflate-raw", size).then(() => true, () => false);
  if (body.length !== size || junk) throw new GamutError("damaged", "the payload's body has the wrong length");

  payload.inputs = inputs;
  payload.grid = body.slice(0, gridBytes);
  payload.grid.forEach((step, k, grid) => {
    if (k % (3 * side) >= 3) grid[k] = step + grid[k - 3];
  });
  payload.layers = [];
  let at = gridBytes, row = gridBytes + levels, reach = 1;
  for (let k = 1; k < widths.length; k++) {
    const layer = { rows: widths[k], columns: widths[k - 1] };
    layer.levels = new Int8Array(body.buffer, at, layer.rows * layer.columns).slice();
    layer.scales = Float32Array.from({ length: layer.rows }, (_, o) => float16(body[row + o] | (body[row + o + outputs] << 8)));
    at += layer.levels.length;
    row += layer.rows;
    let most = 1;
    for (let o = 0; o < layer.rows; o++) {
      const sum = layer.levels.subarray(o * layer.columns, (o + 1) * layer.columns).reduce((a, level) => a + Math.abs(level), 0);
      most = Math.max(most, sum * Math.abs(layer.scales[o])); // NaN stays NaN
    }
    reach *= most;
    payload.layers.push(layer);
  }
  if (!(reach * Math.max(1, Math.abs(payload.residualScale)) < 1e24)) {
    throw new GamutError("damaged", "the payload's weights make no sense");
  }
  return payload;
}

/**
 * What a file holds. `bytes`: of a JPEG, PNG or WebP file, or a bare payload (a sidecar). Gives the payload's fields, with
 * `carrier` and, of a picture, `orientation`.
 */
export async function decodePayload(bytes) {
  bytes = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  if (startsWith(bytes, "GMUT")) return { carrier: "sidecar", ...(await unpack(bytes)) };
  const { payload, carrier } = await findPayload(await takeApart(bytes));
  return { carrier, ...(await unpack(payload)) };
}

// 3. Do the pixels fit?

/** The eight ways a picture can lie, as they were: whether x and y are swapped, rows and columns run backwards. */
const WAYS = Array.from({ length: 8 }, (_, k) => ({ swap: k > 3, rows: Boolean(k & 1), columns: Boolean(k & 2) }));

/** Which blocks the pixels of a side lie in: [pixel, block, share] for each block that a pixel touches. */
function overlaps(count, side) {
  const shares = [];
  for (let block = 0; block < side; block++) {
    const from = (block * count) / side, to = ((block + 1) * count) / side;
    for (let k = Math.floor(from); k < to; k++) shares.push([k, block, Math.min(k + 1, to) - Math.max(k, from)]);
  }
  return shares;
}

/** Means of blocks, gathered from strips of RGBA codes. */
class Blocks {
  constructor(side, width, height) {
    Object.assign(this, { side, width, row: 0, means: new Float64Array(3 * side * side) });
    this.columns = overlaps(width, side);
    this.rows = Array.from({ length: height }, () => []);
    const area = (width * height) / side ** 2;
    for (const [row, block, share] of overlaps(height, side)) this.rows[row].push([block, share / area]);
  }

  add(codes) {
    const { side, width, means, columns } = this;
    const sums = new Float64Array(3 * side);
    for (let at = 0; at < codes.length; at += 4 * width) {
      sums.fill(0);
      for (const [column, block, share] of columns) {
        for (let c = 0; c < 3; c++) sums[3 * block + c] += share * codes[at + 4 * column + c];
      }
      for (const [block, share] of this.rows[this.row++]) {
        for (let k = 0; k < 3 * side; k++) means[3 * side * block + k] += share * sums[k];
      }
    }
  }

  /** Mean difference from a grid of a picture that lay in some way. */
  difference(grid, { swap, rows, columns }) {
    const { side, means } = this;
    let sum = 0;
    for (let k = 0; k < side * side; k++) {
      const a = Math.floor(k / side), b = k % side;
      const y = rows ? side - 1 - a : a, x = columns ? side - 1 - b : b;
      const there = swap ? x * side + y : y * side + x;
      for (let c = 0; c < 3; c++) sum += Math.abs(means[3 * k + c] - grid[3 * there + c]);
    }
    return sum / means.length;
  }
}

/**
 * Compare pixels with those that the payload was made for: {status, way, difference}. `strips` yields RGBA codes from top to
 * bottom. The status is "ok", "recompressed" (or scaled, or decoded by another decoder) or "changed".
 */
async function matchPixels(payload, width, height, strips) {
  const sameSize = width === payload.width && height === payload.height;
  const rgb = new Uint8Array(sameSize ? 3 * width * height : 0);
  const blocks = new Blocks(payload.side, width, height);
  let at = 0, transparent = false;
  for await (const codes of strips) {
    for (let k = 0; k < codes.length; k += 4) {
      transparent ||= codes[k + 3] < 255;
      if (sameSize) (rgb[at++] = codes[k]), (rgb[at++] = codes[k + 1]), (rgb[at++] = codes[k + 2]);
    }
    blocks.add(codes);
  }
  const same = sameSize && (await sha256(rgb)).startsWith(payload.digest);
  if (same && !transparent) return { status: "ok", way: WAYS[0], difference: 0 };
  const found = WAYS.map((way) => ({ way, difference: blocks.difference(payload.grid, way) }));
  const best = found.reduce((least, other) => (other.difference < least.difference ? other : least));
  return { status: best.difference < 1 && !transparent ? "recompressed" : "changed", ...best };
}

// 4. Decoding the picture

const TO_PROPHOTO = {
  bradford: [0.529292999, 0.330116148, 0.140590853, 0.098360085, 0.87346992, 0.028169994, 0.01687612, 0.117658738, 0.865465142],
  cat02: [0.528734646, 0.333936378, 0.137328976, 0.097587195, 0.878989713, 0.023423092, 0.016384538, 0.106579789, 0.877035673],
};
const FROM_PROPHOTO = {
  prophoto: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  "display-p3": [1.632504413, -0.379669385, -0.252835028, -0.153680493, 1.166690363, -0.01300987, 0.010390206, -0.062805069, 1.052414863],
  srgb: [2.034289161, -0.727507819, -0.306781342, -0.22880199, 1.231725545, -0.002923555, -0.008562279, -0.153265288, 1.161827567],
};
const LIGHT = Float64Array.from({ length: 256 }, (_, code) => {
  const encoded = code / 255;
  return encoded < 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
});

function encode(light, space) {
  if (!(light > 0)) return 0;
  if (light >= 1) return 1;
  if (space === "prophoto") return light < 1 / 512 ? 16 * light : light ** (1 / 1.8);
  return light < 0.04045 / 12.92 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** Codes of light that is given in steps of 1/65535, for 8 bits. */
const ENCODED = {};
const encodingTable = (space) =>
  (ENCODED[space] ??= Uint8Array.from({ length: 65536 }, (_, step) => 255 * encode(step / 65535, space) + 0.5));

/**
 * Tabulate the first layer: one row of `stride` numbers for each value of each input. Rows: the picture's rows, its columns,
 * 3 x 256 codes (or, with linear colour, one row for each wave of it), and 3 x 1021 or 129 values of each box.
 */
function tabulate(payload, width, height, way) {
  const { positionOctaves, colorOctaves, firstOctave, hidden, linearColor, boxes } = payload;
  const { levels, scales, columns: inputs } = payload.layers[0];
  const stride = (hidden + 3) & ~3;
  const places = (count, backwards) =>
    Float64Array.from({ length: count }, (_, k) => (backwards ? -1 : 1) * ((2 * k + 1) / count - 1));
  const tables = [];
  const colorAt = 4 * positionOctaves;
  tables.push([places(height, way.rows), way.swap ? 2 * positionOctaves : 0, positionOctaves]);
  tables.push([places(width, way.columns), way.swap ? 0 : 2 * positionOctaves, positionOctaves]);
  const codes = Float64Array.from({ length: 256 }, (_, code) => (2 * code) / 255 - 1);
  for (let c = 0; c < 3; c++) tables.push([linearColor ? null : codes, colorAt + 2 * colorOctaves * c, colorOctaves]);
  let column = colorAt + 6 * colorOctaves;
  for (const { contrast, octaves } of boxes) {
    const values = Float64Array.from({ length: contrast ? 129 : 1021 }, (_, q) => (contrast ? (q - 64) / 64 : (2 * q) / 1020 - 1));
    for (let c = 0; c < 3; c++, column += 2 * octaves) tables.push([values, column, octaves]);
  }
  const starts = [];
  let rows = 0;
  for (const [values, , octaves] of tables) {
    starts.push(rows);
    rows += values ? values.length : 2 * octaves;
  }
  const table = new Float32Array(rows * stride), waves = new Float64Array(32);
  tables.forEach(([values, first, octaves], k) => {
    const weights = Float32Array.from({ length: 2 * octaves * hidden }, (_, i) => {
      const output = i % hidden;
      return levels[output * inputs + first + Math.floor(i / hidden)] * scales[output];
    });
    for (let row = 0, count = values ? values.length : 2 * octaves; row < count; row++) {
      const at = (starts[k] + row) * stride;
      if (!values) {
        table.set(weights.subarray(row * hidden, (row + 1) * hidden), at);
        continue;
      }
      setWaves(waves, values[row], octaves, firstOctave);
      for (let o = 0; o < hidden; o++) {
        let sum = 0;
        for (let i = 0; i < 2 * octaves; i++) sum += waves[i] * weights[i * hidden + o];
        table[at + o] = sum;
      }
    }
  });
  return { table, starts, stride, rows };
}

/** All sines of an input, then all its cosines. */
function setWaves(waves, value, octaves, first) {
  for (let k = 0; k < octaves; k++) {
    const angle = 2 ** (first + k) * Math.PI * value;
    waves[k] = Math.sin(angle);
    waves[octaves + k] = Math.cos(angle);
  }
}

/** Which pixels look clipped, for codes of the pixel's least and largest channel. */
function isCorrected(payload, least, most) {
  if (!payload.depth || payload.everyPixel) return payload.depth > 0;
  const low = payload.tolerance, high = 255 - low;
  return (least <= low || most >= high) && most > low && least < high;
}

/** Box means in quarter codes, row by row from the top: a running sum for each column. */
class BoxMeans {
  constructor(codes, width, height, radius) {
    Object.assign(this, { codes, width, height, radius, row: -1, sums: new Int32Array(3 * width), means: new Uint16Array(3 * width) });
  }

  _add(row, sign) {
    const at = 4 * this.width * Math.min(Math.max(row, 0), this.height - 1);
    for (let x = 0, k = at, s = 0; x < this.width; x++, k += 4, s += 3) {
      for (let c = 0; c < 3; c++) this.sums[s + c] += sign * this.codes[k + c];
    }
  }

  of(row) {
    const { radius, width, sums, means } = this;
    if (this.row < 0 || row - this.row > radius) {
      sums.fill(0);
      for (let k = -radius; k <= radius; k++) this._add(row + k, 1);
    } else {
      for (let k = this.row + 1; k <= row; k++) this._add(k + radius, 1), this._add(k - radius - 1, -1);
    }
    this.row = row;
    const area = (2 * radius + 1) ** 2, half = area >> 1, last = width - 1;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) sum += sums[3 * Math.min(Math.max(k, 0), last) + c];
      for (let x = 0; x < width; x++) {
        means[3 * x + c] = (4 * sum + half) / area;
        sum += sums[3 * Math.min(x + radius + 1, last) + c] - sums[3 * Math.max(x - radius, 0) + c];
      }
    }
    return means;
  }
}

/** Runs the network over pixels, four at a time, so that each weight is fetched once for them. */
class Network {
  constructor(payload, width, height, way) {
    Object.assign(this, { payload, ...tabulate(payload, width, height, way) });
    const { hidden, layers, residualScale } = payload;
    this.weights = layers.slice(1).map(({ rows, levels, scales }, k, all) => {
      const unit = k === all.length - 1 ? residualScale : 1;
      return Float32Array.from(levels, (level, i) => level * scales[Math.floor(i / hidden)] * unit);
    });
    this.pair = [new Float32Array(4 * this.stride), new Float32Array(4 * this.stride)];
    this.waves = new Float64Array(32);
  }

  /** Of pixel `place` (0 to 3): sum the rows of tables, whose numbers `rows` holds, and with linear colour its waves. */
  start(place, rows, count, linear) {
    const { table, stride, payload: { hidden, colorOctaves, firstOctave }, waves, starts } = this;
    const above = this.pair[0], to = place * stride;
    for (let o = 0; o < hidden; o++) above[to + o] = 0;
    for (let k = 0; k < count; k++) {
      const from = rows[k] * stride;
      for (let o = 0; o < hidden; o++) above[to + o] += table[from + o];
    }
    for (let c = 0; linear && c < 3; c++) {
      setWaves(waves, 2 * Math.fround(linear[c]) - 1, colorOctaves, firstOctave);
      for (let i = 0; i < 2 * colorOctaves; i++) {
        const from = (starts[2 + c] + i) * stride, wave = waves[i];
        for (let o = 0; o < hidden; o++) above[to + o] += wave * table[from + o];
      }
    }
  }

  /** The residuals of the four pixels: residuals[place * stride + channel]. */
  finish() {
    const { stride, weights, payload: { hidden } } = this;
    let [above, below] = this.pair;
    const b = stride, c = 2 * stride, d = 3 * stride;
    for (let k = 0; k < weights.length; k++) {
      const layer = weights[k], rows = layer.length / hidden;
      for (let i = 0; i < 4 * stride; i++) if (above[i] < 0) above[i] = 0;
      for (let o = 0, w = 0; o < rows; o++) {
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let i = 0; i < hidden; i++, w++) {
          const weight = layer[w];
          s0 += weight * above[i];
          s1 += weight * above[b + i];
          s2 += weight * above[c + i];
          s3 += weight * above[d + i];
        }
        below[o] = s0;
        below[b + o] = s1;
        below[c + o] = s2;
        below[d + o] = s3;
      }
      [above, below] = [below, above];
    }
    return above;
  }
}

/**
 * Restore decoded pixels, some rows at a time: yields how many rows are done, returns {width, height, data}.
 * `mark` gives white, opaque where sRGB cannot hold the colour and clear elsewhere, instead of the picture.
 */
function* restoreRows(payload, { data: codes, width, height }, { space = "display-p3", depth = 8, way = WAYS[0], mark = false } = {}) {
  const matrix = FROM_PROPHOTO[mark ? "srgb" : space], to = TO_PROPHOTO[payload.adaptation];
  const table = depth === 8 && encodingTable(space);
  const data = depth === 8 ? new Uint8ClampedArray(4 * width * height) : new Uint16Array(4 * width * height);
  const network = payload.depth ? new Network(payload, width, height, way) : null;
  const means = payload.boxes.map(({ radius }) => new BoxMeans(codes, width, height, radius));
  const linear = new Float64Array(3), rows = new Int32Array(5 + 3 * payload.boxes.length), queue = new Int32Array(4);

  const plain = (at) => {
    const r = LIGHT[codes[at]], g = LIGHT[codes[at + 1]], b = LIGHT[codes[at + 2]];
    for (let c = 0; c < 3; c++) linear[c] = to[3 * c] * r + to[3 * c + 1] * g + to[3 * c + 2] * b;
  };
  const put = (at) => {
    let outside = false;
    for (let c = 0; c < 3; c++) {
      const light = matrix[3 * c] * linear[0] + matrix[3 * c + 1] * linear[1] + matrix[3 * c + 2] * linear[2];
      if (mark) outside ||= isOutside(light);
      else if (table) data[at + c] = table[light > 0 ? (light < 1 ? (light * 65535 + 0.5) | 0 : 65535) : 0];
      else data[at + c] = 65535 * encode(light, space) + 0.5;
    }
    if (!mark) data[at + 3] = depth === 8 ? 255 : 65535;
    else data.fill(outside ? 255 : 0, at, at + 4);
  };
  const flush = (count) => {
    const residuals = network.finish();
    for (let k = 0; k < count; k++) {
      plain(queue[k]);
      for (let c = 0; c < 3; c++) linear[c] += residuals[k * network.stride + c];
      put(queue[k]);
    }
  };

  for (let y = 0; y < height; y++) {
    let waiting = 0, boxes = null;
    for (let x = 0, at = 4 * width * y; x < width; x++, at += 4) {
      const r = codes[at], g = codes[at + 1], b = codes[at + 2];
      plain(at);
      if (!isCorrected(payload, Math.min(r, g, b), Math.max(r, g, b))) {
        put(at);
        continue;
      }
      boxes ??= means.map((box) => box.of(y));
      let count = payload.linearColor ? 2 : 5;
      rows[0] = y;
      rows[1] = network.starts[1] + x;
      for (let c = 0; c < 3; c++) rows[2 + c] = network.starts[2 + c] + codes[at + c];
      for (let k = 0; k < boxes.length; k++) {
        for (let c = 0; c < 3; c++) {
          const mean = boxes[k][3 * x + c], start = network.starts[5 + 3 * k + c];
          const contrast = payload.boxes[k].contrast;
          rows[count++] = start + (contrast ? 64 + Math.max(-64, Math.min(64, 4 * codes[at + c] - mean)) : mean);
        }
      }
      network.start(waiting, rows, count, payload.linearColor ? linear : null);
      queue[waiting++] = at;
      if (waiting === 4) flush(4), (waiting = 0);
    }
    if (waiting) flush(waiting);
    yield y + 1;
  }
  return { width, height, data };
}

/** By more than half an 8-bit code near white: what rounds to a colour of the screen can be shown. */
const HALF_CODE = 0.0045;
const isOutside = (light) => light < -HALF_CODE || light > 1 + HALF_CODE;

/**
 * Restore pixels that are decoded already, as they were stored. `pixels`: {width, height, data} of RGBA codes, 8 bits.
 * Options: `space` ("display-p3", "srgb", "prophoto"), `depth` (8 or 16), `force`. Gives {width, height, data, status}.
 */
export async function restorePixels(payload, pixels, options = {}) {
  const match = await matchPixels(payload, pixels.width, pixels.height, [pixels.data]);
  refuseChanged(match, options);
  for (const rows = restoreRows(payload, pixels, { ...options, way: match.way }); ; ) {
    const { done, value } = rows.next();
    if (done) return { ...value, status: match.status };
  }
}

function refuseChanged({ status, difference }, { force }) {
  if (status !== "changed" || force) return;
  throw new GamutError("changed", `the picture was edited: block means differ by ${difference.toFixed(1)} codes`);
}

// 5. In a browser: decoding, and the JavaScript path

const IS_WORKER = typeof WorkerGlobalScope !== "undefined" && self.name === "gamut.js";
if (IS_WORKER) {
  onmessage = ({ data: { payload, pixels, options } }) => {
    const rows = restoreRows(payload, pixels, options);
    for (let step; ; ) {
      step = rows.next();
      if (step.done) return postMessage(step.value, [step.value.data.buffer]);
    }
  };
}

/** The JavaScript path: in a Worker, or, where a page may have none, in slices between which the page stays alive. */
async function restoreInScript(payload, pixels, options) {
  try {
    const worker = new Worker(import.meta.url, { type: "module", name: "gamut.js" });
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = reject;
      worker.postMessage({ payload, pixels, options });
    }).finally(() => worker.terminate());
  } catch {
    const rows = restoreRows(payload, pixels, options);
    for (let pause = performance.now() + 12; ; ) {
      const { done, value } = rows.next();
      if (done) return value;
      if (performance.now() < pause) continue;
      await new Promise((resolve) => setTimeout(resolve));
      pause = performance.now() + 12;
    }
  }
}

const newCanvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** Pixels of a bitmap as RGBA codes, in strips from top to bottom. */
async function* stripsOf(bitmap) {
  const { width, height } = bitmap, rows = Math.max(1, Math.min(height, Math.floor((1 << 20) / width)));
  const context = newCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "copy";
  for (let y = 0; y < height; y += rows) {
    context.drawImage(bitmap, 0, -y);
    yield context.getImageData(0, 0, width, Math.min(rows, height - y)).data;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

let exact;
/** Whether a script reads the very pixels that it drew: against fingerprinting, some browsers add noise. */
function readsExactly() {
  if (exact !== undefined) return exact;
  const context = newCanvas(16, 16).getContext("2d", { willReadFrequently: true }), image = context.createImageData(16, 16);
  image.data.forEach((_, k) => (image.data[k] = k % 4 === 3 ? 255 : (k * 97) % 256));
  context.putImageData(image, 0, 0);
  return (exact = context.getImageData(0, 0, 16, 16).data.every((code, k) => code === image.data[k]));
}

/** Open a picture: its payload, its pixels as stored, whether they fit. */
async function open(bytes, options) {
  const file = await takeApart(bytes);
  const payload = options.payload ?? (await decodePayload(options.sidecar ?? bytes));
  const settings = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  // One piece: Firefox decodes no blob of several.
  const bitmap = await createImageBitmap(new Blob([joined(file.bare)], { type: file.type }), settings);
  let match = { status: "unchecked", way: WAYS[0] };
  if (options.check !== false && readsExactly()) match = await matchPixels(payload, bitmap.width, bitmap.height, stripsOf(bitmap));
  refuseChanged(match, options);
  const orientation = file.exif.map((block) => readExif(block).orientation).find((turn) => turn > 1) ?? 1;
  return { payload, bitmap, orientation, ...match };
}

async function codesOf(bitmap) {
  if (!readsExactly()) throw new GamutError("noise", "this browser adds noise to pixels that scripts read");
  const { width, height } = bitmap, data = new Uint8ClampedArray(4 * width * height);
  let at = 0;
  for await (const strip of stripsOf(bitmap)) {
    data.set(strip, at);
    at += strip.length;
  }
  return { width, height, data };
}

/** Where the upright picture's pixel (x, y) lies in one stored with this orientation: [a, b, c, d, e, f] as of a canvas. */
function uprightMatrix(orientation, width, height) {
  return [, [1, 0, 0, 1, 0, 0], [-1, 0, 0, 1, width, 0], [-1, 0, 0, -1, width, height], [1, 0, 0, -1, 0, height],
    [0, 1, 1, 0, 0, 0], [0, 1, -1, 0, height, 0], [0, -1, -1, 0, height, width], [0, -1, 1, 0, 0, width]][orientation];
}

function upright({ width, height, data }, orientation) {
  if (orientation === 1) return { width, height, data };
  const [a, b, c, d, e, f] = uprightMatrix(orientation, width, height);
  const turned = new data.constructor(data.length), across = orientation > 4 ? height : width;
  for (let y = 0, from = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      // Centres of pixels are turned; they lie half a pixel from their corners.
      const to = 4 * (Math.floor(a * (x + 0.5) + c * (y + 0.5) + e) + across * Math.floor(b * (x + 0.5) + d * (y + 0.5) + f));
      for (let k = 0; k < 4; k++) turned[to + k] = data[from++];
    }
  }
  return { width: across, height: orientation > 4 ? width : height, data: turned };
}

// 6. Onto arrays and canvases

const TILE = 1024;
let fastPath;
/** Restore tiles by WebGL2, which a module of its own does. `use(tile, gpu)` is called for each. */
async function restoreOnGpu(...given) {
  fastPath ??= import("./gamut-webgl2.js").then(({ load }) =>
    load({ GamutError, HALF_CODE, FROM_PROPHOTO, LIGHT, TILE, TO_PROPHOTO, newCanvas, tabulate }));
  return (await fastPath)(...given);
}

/** Cut a picture into tiles. */
function* tilesOf(width, height, side) {
  for (let y = 0; y < height; y += side) {
    for (let x = 0; x < width; x += side) yield [x, y, Math.min(side, width - x), Math.min(side, height - y)];
  }
}

/** Do it on the GPU, once more if it was lost, and else in JavaScript: the path that was taken, and what came of it. */
async function byPath(path, onGpu, inScript) {
  for (let tries = 0; path !== "js" && tries < 2; tries++) {
    try {
      return { path: "webgl2", result: await onGpu() };
    } catch (error) {
      if (path === "webgl2" && tries) throw error;
    }
  }
  return { path: "js", result: await inScript() };
}

/**
 * Restore a picture. `bytes`: of a JPEG, PNG or WebP file. Options: `space` ("display-p3", "srgb", "prophoto"), `depth` (8 or
 * 16), `path` ("auto", "webgl2", "js"), `sidecar` (bytes of one), `force` (restore it although it was edited). Gives {width,
 * height, data, path, status, payload} with RGBA codes, upright.
 */
export async function restore(bytes, options = {}) {
  const settings = { space: "display-p3", depth: 8, mark: false, ...options };
  const opened = await open(bytes, options), { bitmap, payload, orientation, status, way } = opened;
  if (!readsExactly()) throw new GamutError("noise", "this browser adds noise to pixels that scripts read");
  const { width, height } = bitmap;
  const onGpu = async () => {
    const data = settings.depth === 16 ? new Uint16Array(4 * width * height) : new Uint8ClampedArray(4 * width * height);
    await restoreOnGpu(opened, settings, tilesOf(width, height, TILE), false, ([x, y, w, h], { gl }) => {
      const codes = settings.depth === 16 ? new Uint32Array(4 * w * h) : new Uint8Array(4 * w * h);
      const kind = settings.depth === 16 ? [gl.RGBA_INTEGER, gl.UNSIGNED_INT] : [gl.RGBA, gl.UNSIGNED_BYTE];
      gl.readPixels(0, 0, w, h, ...kind, codes);
      for (let k = 0; k < h; k++) data.set(codes.subarray(4 * w * k, 4 * w * (k + 1)), 4 * (width * (y + k) + x));
    });
    return { width, height, data };
  };
  const inScript = async () => restoreInScript(payload, await codesOf(bitmap), { ...settings, way });
  try {
    const { path, result } = await byPath(options.path ?? "auto", onGpu, inScript);
    return { ...upright(result, orientation), path, status, payload };
  } finally {
    bitmap.close();
  }
}

/** A canvas of more pixels stays empty on some phones. */
const MAX_CANVAS = 16777216;

/**
 * Draw the restored picture, or with `mark: true` where sRGB cannot hold it, on a canvas, which gets the picture's size, or
 * less: `maxPixels`, and never more than phones can show. Options else as of restore(). Gives {width, height, path, status,
 * space, payload}, of the picture upright.
 */
export async function render(canvas, bytes, options = {}) {
  const opened = await open(bytes, options), { bitmap, payload, orientation, status, way } = opened;
  const { width, height } = bitmap, swapped = orientation > 4;
  const scale = Math.min(1, Math.sqrt(Math.min(options.maxPixels ?? MAX_CANVAS, MAX_CANVAS) / (width * height)));
  const [w, h] = [width, height].map((side) => Math.max(1, Math.floor(side * scale)));
  const context = canvas.getContext("2d", { colorSpace: "display-p3" });
  const space = context.getContextAttributes?.().colorSpace ?? "srgb";
  const settings = { mark: false, ...options, space, depth: 8 };
  const prepare = () => {
    Object.assign(canvas, { width: swapped ? h : w, height: swapped ? w : h });
    context.setTransform(...uprightMatrix(orientation, w, h));
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = "high";
  };
  /** Draw a source of some pixels of the picture, of which those of a part of the canvas are wanted. */
  const put = (source, [x, y, across, down], part) => {
    context.save();
    context.beginPath();
    context.rect(...part);
    context.clip();
    context.drawImage(source, 0, 0, across, down, (x * w) / width, (y * h) / height, (across * w) / width, (down * h) / height);
    context.restore();
  };
  const onGpu = async () => {
    // Tiles end at whole pixels of the canvas, and reach a little further, for what smoothing sees.
    const reach = scale < 1 ? Math.ceil(2 / scale) + 2 : 0;
    const parts = [...tilesOf(w, h, Math.max(1, Math.floor((TILE - 2 * reach - 2) * scale)))];
    const tiles = parts.map(([x, y, across, down]) => {
      const [left, top] = [(x * width) / w, (y * height) / h].map((at) => Math.max(0, Math.floor(at) - reach));
      const right = Math.min(width, Math.ceil(((x + across) * width) / w) + reach);
      return [left, top, right - left, Math.min(height, Math.ceil(((y + down) * height) / h) + reach) - top];
    });
    prepare();
    await restoreOnGpu(opened, settings, tiles, true, (tile, gpu) => put(gpu.canvas, tile, parts[tiles.indexOf(tile)]));
  };
  const inScript = async () => {
    const { data } = await restoreInScript(payload, await codesOf(bitmap), { ...settings, way });
    prepare();
    for (const [x, y, across, down] of tilesOf(width, height, 2 * TILE)) {
      const sheet = newCanvas(across, down);
      const image = new ImageData(across, down, { colorSpace: space });
      for (let k = 0; k < down; k++) image.data.set(data.subarray(4 * (width * (y + k) + x), 4 * (width * (y + k) + x + across)), 4 * across * k);
      sheet.getContext("2d", { colorSpace: space }).putImageData(image, 0, 0);
      put(sheet, [x, y, across, down], [0, 0, w, h]);
    }
  };
  try {
    const { path } = await byPath(options.path ?? "auto", onGpu, inScript);
    return { width: swapped ? height : width, height: swapped ? width : height, path, status, space, payload };
  } finally {
    bitmap.close();
  }
}
