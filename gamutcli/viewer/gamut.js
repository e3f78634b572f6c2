// gamut.js: an sRGB file that carries a payload of `gamut reduce` becomes its wide-gamut picture again. MIT licence.
// Written from docs/FORMAT.md of gamutcli, whose sections number those here; docs/WEB.md says how it is used. It reads files and
// draws on canvases; when pixels are to be restored it loads gamut-webgl2.js or, where there is no GPU, gamut-pixels.js.

/** `code` is "no-payload", "damaged", "version", "changed", "unsupported" or "noise". */
export class GamutError extends Error {
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
export const decodePayload = async (bytes) => (await decodePayloads(bytes))[0];

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

const loadPixels = () => import("./gamut-pixels.js");
const loadGpu = () => import("./gamut-webgl2.js").catch(() => null);

export const TO_PROPHOTO = {
  bradford: [0.529292999, 0.330116148, 0.140590853, 0.098360085, 0.87346992, 0.028169994, 0.01687612, 0.117658738, 0.865465142],
  cat02: [0.528734646, 0.333936378, 0.137328976, 0.097587195, 0.878989713, 0.023423092, 0.016384538, 0.106579789, 0.877035673],
};
export const FROM_PROPHOTO = {
  prophoto: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  "display-p3": [1.632504413, -0.379669385, -0.252835028, -0.153680493, 1.166690363, -0.01300987, 0.010390206, -0.062805069, 1.052414863],
  srgb: [2.034289161, -0.727507819, -0.306781342, -0.22880199, 1.231725545, -0.002923555, -0.008562279, -0.153265288, 1.161827567],
};
export const lightOf = (code) => (code / 255 < 0.04045 ? code / 255 / 12.92 : ((code / 255 + 0.055) / 1.055) ** 2.4);
export const LIGHT = Float64Array.from({ length: 256 }, (_, code) => lightOf(code));
/** Light in steps, for what has to be decided alike everywhere. */
export const STEPS = LIGHT.map((light) => Math.floor(65535 * light + 0.5));
/** By more than half an 8-bit code near white: what rounds to a colour of the screen can be shown. */
export const HALF_CODE = 0.0045;

/** Where tools moved codes, these are clipped too, from 0 or 255 on. */
export const toleranceOf = ({ tolerance }, exact) => (exact ? tolerance : Math.max(tolerance, 12));

/** Tabulate the first layer for a tile [x, y, width, height] of a picture: a row for each value that an input can have. */
export function tabulate(payload, [width, height], way, [left, top, across, down]) {
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
export function setWaves(waves, value, { firstOctave }, octaves) {
  for (let k = 0; k < octaves; k++) {
    const angle = 2 ** (firstOctave + k) * Math.PI * value;
    waves[k] = Math.sin(angle);
    waves[octaves + k] = Math.cos(angle);
  }
}

/** How far a pixel's boxes reach. */
export const marginOf = ({ boxes }) => Math.max(0, ...boxes.map(({ radius }) => radius));

/** A tile and what lies around it: [x, y, width, height]. */
export function regionOf([x, y, width, height], margin, whole) {
  const left = Math.max(0, x - margin), top = Math.max(0, y - margin);
  return [left, top, Math.min(whole.width, x + width + margin) - left, Math.min(whole.height, y + height + margin) - top];
}

/** Restore pixels {width, height, data} that are decoded already, RGBA codes as they were stored: the same, and a status. */
export async function restorePixels(payload, { width, height, data }, options = {}) {
  const { way, status } = await matchPixels(payload, width, height, [data], options), region = { data, width, height, x: 0, y: 0 };
  const job = { ...options, payload, way, exact: status === "ok", region, size: [width, height], tile: [0, 0, width, height] };
  return { ...(await (await loadPixels()).restoreTile(job)), status };
}


// 5. In a browser: decoding

export function newContext(width, height, settings) {
  return Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", settings);
}

/** A part of a bitmap as RGBA codes: {data, width, height, x, y}. */
export function codesOf(bitmap, [x, y, width, height]) {
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
export function restore(bytes, { space = "display-p3", depth = 8, path = "auto", ...options } = {}) {
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
export function render(canvas, bytes, { maxPixels = MAX_CANVAS, mark = false, path = "auto", ...options } = {}) {
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
