// gamut-pixels.js: what gamut.js does to pixels, in JavaScript. It is a worker's script too. MIT licence.
// Sections are those of docs/FORMAT.md of gamutcli. Every sum is one of float64, and no loop over pixels makes an object.

// 4.2 Linear ProPhoto RGB, 4.7 Out

export const TO_PROPHOTO = {
  bradford: [0.529292999, 0.330116148, 0.140590853, 0.098360085, 0.87346992, 0.028169994, 0.01687612, 0.117658738, 0.865465142],
  cat02: [0.528734646, 0.333936378, 0.137328976, 0.097587195, 0.878989713, 0.023423092, 0.016384538, 0.106579789, 0.877035673],
};
export const FROM_PROPHOTO = {
  prophoto: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  "display-p3": [1.632504413, -0.379669385, -0.252835028, -0.153680493, 1.166690363, -0.01300987, 0.010390206, -0.062805069, 1.052414863],
  srgb: [2.034289161, -0.727507819, -0.306781342, -0.22880199, 1.231725545, -0.002923555, -0.008562279, -0.153265288, 1.161827567],
};
const lightOf = (code) => (code / 255 < 0.04045 ? code / 255 / 12.92 : ((code / 255 + 0.055) / 1.055) ** 2.4);
export const LIGHT = Float64Array.from({ length: 256 }, (_, code) => lightOf(code));
/** By more than half an 8-bit code near white: what rounds to a colour of the screen can be shown. */
export const HALF_CODE = 0.0045;

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

// 4.1 Which pixels go through the network

/** Which pixels look clipped, for codes of the pixel's least and largest channel. */
function isClipped({ depth, everyPixel }, tolerance, least, most) {
  if (!depth || everyPixel) return depth > 0;
  const high = 255 - tolerance;
  return (least <= tolerance || most >= high) && most > tolerance && least < high;
}

/** Where tools moved codes, these are clipped too, from 0 or 255 on. */
export const toleranceOf = ({ tolerance }, exact) => (exact ? tolerance : Math.max(tolerance, AFTER_TOOLS));
const AFTER_TOOLS = 12;

/** Light of codes in steps, for what has to be decided alike everywhere. */
export const STEPS = Float64Array.from(LIGHT, (light) => Math.floor(65535 * light + 0.5));

/** How a pixel was moved into sRGB: 1 below, 2 above, 3 both; 0 not at all. */
function movesOf({ below, above }, red, green, blue) {
  const least = STEPS[Math.min(red, green, blue)], most = STEPS[Math.max(red, green, blue)];
  const luminance = 13933 * STEPS[red] + 46871 * STEPS[green] + 4732 * STEPS[blue];
  return (2 ** 32 * least < below.knee * luminance && luminance >= 65536 * below.bound ? 1 : 0) +
    (65536 * (65535 - most) < above.knee * (65535 - least) && least < above.bound ? 2 : 0);
}

/** Whether a pixel's block, of the picture that the payload was made for, holds lost colours. */
function isLost({ blocks: { columns, bits }, width, height }, [across, down], way, x, y) {
  const u = way.rows ? down - 1 - y : y, v = way.columns ? across - 1 - x : x;
  const row = Math.floor(way.swap ? (v * height) / across : (u * height) / down);
  const column = Math.floor(way.swap ? (u * width) / down : (v * width) / across);
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
    const least = Math.min(rgb[0], rgb[1], rgb[2]), most = Math.max(rgb[0], rgb[1], rgb[2]);
    const room = (1 - fractionOf(above, codes, at, rgb.indexOf(most), -1, exact)) / (1 - least);
    stretch(least, (farOf(above, room, (65536 * room) / above.knee) * (1 - least)) / (most - least));
  }
  const grey = WEIGHTS[0] * rgb[0] + WEIGHTS[1] * rgb[1] + WEIGHTS[2] * rgb[2], least = Math.min(rgb[0], rgb[1], rgb[2]);
  if (moves > 1 && !(grey >= Math.max(1, below.bound) / 65535 && least < (below.knee / 65536) * grey)) return;
  const room = (moves > 1 ? least : fractionOf(below, codes, at, rgb.indexOf(least), 1, exact)) / grey;
  stretch(grey, farOf(below, room, Math.sqrt((65536 * room) / below.knee)) / (1 - least / grey));
}

// 4.4 The inputs, 4.5 Waves, 4.6 The network

/** Tabulate the first layer for a tile [x, y, width, height] of a picture: a row for each value that an input can have. */
export function tabulate(payload, [width, height], way, [left, top, across, down]) {
  const { positionOctaves, colorOctaves, hidden, linearColor, boxes } = payload, { levels, scales, columns } = payload.layers[0];
  const stride = (hidden + 7) & ~7, inputs = [];
  const place = (from, side, backwards) => (k) => (backwards ? -1 : 1) * ((2 * (from + k) + 1) / side - 1);
  // Of each input: how many values it has, and which (with linear colour none, but a row for each wave); octaves; first feature.
  inputs.push([down, place(top, height, way.rows), positionOctaves, way.swap ? 2 * positionOctaves : 0]);
  inputs.push([across, place(left, width, way.columns), positionOctaves, way.swap ? 0 : 2 * positionOctaves]);
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
  const starts = [], waves = new Float64Array(32);
  const table = new Float64Array(stride * inputs.reduce((sum, [count]) => sum + count, 0));
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

/** Pixels that go through the network together: what they read of it stays in the processor's cache. */
const BATCH = 64;

/**
 * Sum rows of eight columns of a table, each with its weight, for every pixel of a batch: eight sums stay in registers. Of a
 * pixel, `rows` tells from where its room begins to where it ends; the mask spares engines to look for overflow.
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

/** The network of a tile. Every layer is a weighted sum of rows: of the tables, then of a row for each input above zero. */
class Network {
  constructor(payload, size, way, tile) {
    const { hidden, layers, residualScale } = payload;
    const others = layers.slice(1).map(({ rows, levels, scales }, k) => {
      const stride = (rows + 7) & ~7, table = new Float64Array(hidden * stride), unit = k === layers.length - 2 ? residualScale : 1;
      levels.forEach((level, i) => (table[(i % hidden) * stride + Math.floor(i / hidden)] = level * scales[Math.floor(i / hidden)] * unit));
      return { table, stride };
    });
    const { starts, ...first } = tabulate(payload, size, way, tile), room = Math.max(128, first.stride + 8);
    const strips = ({ table, stride }) => Array.from({ length: stride / 8 }, (_, k) => table.subarray(8 * k));
    Object.assign(this, { payload, starts, room, layers: [first, ...others].map((layer) => ({ ...layer, strips: strips(layer) })) });
    Object.assign(this, { rows: new Int32Array(BATCH * room), weights: new Float64Array(BATCH * room), ends: new Int32Array(BATCH) });
    Object.assign(this, { sums: new Float64Array(BATCH * room), waves: new Float64Array(32), count: 0, at: 0 });
    this.signs = new Int32Array(this.sums.buffer);
  }

  /** Have a row of the tables among those to be summed for a pixel: the one of a value of an input. */
  take(input, value, weight = 1) {
    this.rows[this.at] = this.layers[0].stride * (this.starts[input] + value);
    this.weights[this.at++] = weight;
  }

  /** Have the waves of a linear colour's channel among them. */
  takeWaves(channel, value) {
    const { payload, waves } = this, { colorOctaves } = payload;
    setWaves(waves, 2 * Math.fround(value) - 1, payload, colorOctaves);
    for (let k = 0; k < 2 * colorOctaves; k++) this.take(2 + channel, k, waves[k]);
  }

  /** Go on to the batch's next pixel; whether it is full. */
  next() {
    this.ends[this.count++] = this.at;
    this.at = this.count * this.room;
    return this.count === BATCH;
  }

  /** The residuals of the batch, in steps of `room`, for the rows that were taken. A new one begins. */
  finish() {
    const { layers, rows, weights, ends, sums, room } = this, all = ends.subarray(0, this.count);
    layers.forEach(({ strips }, k) => {
      if (k) this.keepPositive(layers[k].stride);
      strips.forEach((strip, column) => sumRows(sums, 8 * column, strip, rows, weights, all, room));
    });
    this.count = this.at = 0;
    return sums;
  }

  /** The sums become the next layer's inputs, but for those below zero, two of three: they cost nothing. */
  keepPositive(stride) {
    const { rows, weights, ends, sums, signs, room, count, payload: { hidden } } = this;
    for (let p = 0; p < count; p++) {
      let at = p * room;
      // The next one overwrites what is below zero. Branches would be guessed wrong; high halves lie second, as on all machines today.
      for (let i = 0, from = at, row = 0; i < hidden; i++, from++, row += stride) {
        rows[at] = row;
        weights[at] = sums[from];
        at += ~signs[2 * from + 1] >>> 31;
      }
      ends[p] = at;
    }
  }
}

/** Means of the codes around a pixel, in quarter codes, by sums over all that lies above and left of a place. */
class BoxMeans {
  constructor({ data, width, height }, margin) {
    const stride = 3 * (width + 2 * margin + 1), sums = new Uint32Array(stride * (height + 2 * margin + 1));
    for (let y = 0, at = stride + 3; y < height + 2 * margin; y++, at += 3) {
      const from = width * Math.min(Math.max(y - margin, 0), height - 1);
      let red = 0, green = 0, blue = 0;
      for (let x = -margin; x < width + margin; x++, at += 3) {
        const pixel = 4 * (from + Math.min(Math.max(x, 0), width - 1));
        sums[at] = sums[at - stride] + (red += data[pixel]);
        sums[at + 1] = sums[at + 1 - stride] + (green += data[pixel + 1]);
        sums[at + 2] = sums[at + 2 - stride] + (blue += data[pixel + 2]);
      }
    }
    Object.assign(this, { margin, stride, sums });
  }

  at(x, y, c, radius) {
    const { margin, stride, sums } = this, side = 2 * radius + 1, area = side * side;
    const first = stride * (y + margin - radius) + 3 * (x + margin - radius) + c, last = first + stride * side;
    // Sums of more than 32 bits wrap; their difference is right.
    return Math.floor((4 * ((sums[last + 3 * side] - sums[last] - sums[first + 3 * side] + sums[first]) >>> 0) + (area >> 1)) / area);
  }
}

/** A step of 65535 of light. */
const stepOf = (light) => (light > 0 ? (light < 1 ? (light * 65535 + 0.5) | 0 : 65535) : 0);

/**
 * Restore a tile from a region {data, width, height, x, y} of codes, which holds all that the tile's boxes cover. With `mark` it
 * becomes white, opaque where sRGB cannot hold the colour and clear elsewhere. `rest` is awaited after each row.
 */
export async function restoreTile({ payload, way, exact, size, tile, region, space = "display-p3", depth = 8, mark = false }, rest) {
  const [left, top, width, height] = tile, { boxes, linearColor, intent, blocks } = payload, { data: codes } = region;
  const matrix = FROM_PROPHOTO[mark ? "srgb" : space], matrixIn = TO_PROPHOTO[payload.adaptation];
  const table = depth === 8 && encodingTable(space), light = new Float64Array(3), rgb = new Float64Array(3);
  const tolerance = toleranceOf(payload, exact);
  const data = depth === 8 ? new Uint8ClampedArray(4 * width * height) : new Uint16Array(4 * width * height);
  const places = new Int32Array(BATCH), lights = new Float64Array(3 * BATCH);
  let network = null, means = null;

  const put = (to, red, green, blue) => {
    const r = matrix[0] * red + matrix[1] * green + matrix[2] * blue;
    const g = matrix[3] * red + matrix[4] * green + matrix[5] * blue;
    const b = matrix[6] * red + matrix[7] * green + matrix[8] * blue;
    if (mark) {
      if (Math.min(r, g, b) < -HALF_CODE || Math.max(r, g, b) > 1 + HALF_CODE) data.fill(255, to, to + 4);
      return;
    }
    data[to] = table ? table[stepOf(r)] : 65535 * encode(r, space) + 0.5;
    data[to + 1] = table ? table[stepOf(g)] : 65535 * encode(g, space) + 0.5;
    data[to + 2] = table ? table[stepOf(b)] : 65535 * encode(b, space) + 0.5;
    data[to + 3] = table ? 255 : 65535;
  };
  /** Have the rows of a pixel's inputs summed. */
  const take = (x, y, at) => {
    network ??= new Network(payload, size, way, tile);
    means ??= new BoxMeans(region, marginOf(payload));
    network.take(0, y);
    network.take(1, x);
    for (let c = 0; c < 3; c++) {
      if (linearColor) network.takeWaves(c, light[c]);
      else network.take(2 + c, codes[at + c]);
    }
    for (let k = 0; k < boxes.length; k++) {
      const { radius, contrast } = boxes[k];
      for (let c = 0; c < 3; c++) {
        const mean = means.at(left + x - region.x, top + y - region.y, c, radius);
        network.take(5 + 3 * k + c, contrast ? 64 + Math.max(-64, Math.min(64, 4 * codes[at + c] - mean)) : mean);
      }
    }
  };
  const finish = () => {
    const { count, room } = network, residuals = network.finish();
    for (let p = 0, l = 0, r = 0; p < count; p++, l += 3, r += room) {
      put(places[p], lights[l] + residuals[r], lights[l + 1] + residuals[r + 1], lights[l + 2] + residuals[r + 2]);
    }
  };

  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, at = 4 * (region.width * (top + y - region.y) + left - region.x); x < width; x++, at += 4, to += 4) {
      const red = codes[at], green = codes[at + 1], blue = codes[at + 2];
      rgb[0] = LIGHT[red], rgb[1] = LIGHT[green], rgb[2] = LIGHT[blue];
      toProphoto(light, rgb, matrixIn);
      const moves = intent ? movesOf(intent, red, green, blue) : 0;
      const clipped = isClipped(payload, tolerance, Math.min(red, green, blue), Math.max(red, green, blue));
      const corrected = (clipped || moves) && (!blocks || isLost(payload, size, way, left + x, top + y));
      if (corrected && payload.depth) take(x, y, at);
      if (corrected && moves) {
        moveBack(rgb, intent, moves, codes, at, exact);
        toProphoto(light, rgb, matrixIn);
      }
      if (corrected && payload.depth) {
        places[network.count] = to;
        lights.set(light, 3 * network.count);
        if (network.next()) finish();
      } else put(to, light[0], light[1], light[2]);
    }
    if (rest) await rest();
  }
  if (network?.count) finish();
  return { width, height, data };
}

function toProphoto(light, rgb, matrix) {
  const red = rgb[0], green = rgb[1], blue = rgb[2];
  light[0] = matrix[0] * red + matrix[1] * green + matrix[2] * blue;
  light[1] = matrix[3] * red + matrix[4] * green + matrix[5] * blue;
  light[2] = matrix[6] * red + matrix[7] * green + matrix[8] * blue;
}

/** How far a pixel's boxes reach. */
export const marginOf = ({ boxes }) => Math.max(0, ...boxes.map(({ radius }) => radius));

/** A tile and what lies around it: [x, y, width, height]. */
export function regionOf(tile, margin, { width, height }) {
  const [x, y] = [0, 1].map((k) => Math.max(0, tile[k] - margin));
  const [right, below] = [width, height].map((end, k) => Math.min(end, tile[k] + tile[k + 2] + margin));
  return [x, y, right - x, below - y];
}

// In a worker

if (typeof WorkerGlobalScope !== "undefined" && self.name === "gamut-pixels.js") {
  onmessage = async ({ data: job }) => {
    // A copy: in V8, a worker that gives a buffer away checks every array for that from then on.
    postMessage(job && (await restoreTile(job)));
  };
}
