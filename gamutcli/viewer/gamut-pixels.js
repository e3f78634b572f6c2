// gamut-pixels.js: what gamut.js does to pixels, in JavaScript. It is a worker's script too. MIT licence.
// Sections are those of docs/FORMAT.md of gamutcli. Every sum is one of float64, and no loop makes an object.

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

/** Sum rows of a table, each with its weight: eight sums at a time, which stay in the processor's registers. */
function sumRows(sums, { table, stride }, rows, weights, count) {
  for (let o = 0; o < stride; o += 8) {
    let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (let k = 0; k < count; k++) {
      const at = rows[k] * stride + o, weight = weights[k];
      a += weight * table[at];
      b += weight * table[at + 1];
      c += weight * table[at + 2];
      d += weight * table[at + 3];
      e += weight * table[at + 4];
      f += weight * table[at + 5];
      g += weight * table[at + 6];
      h += weight * table[at + 7];
    }
    sums[o] = a, sums[o + 1] = b, sums[o + 2] = c, sums[o + 3] = d;
    sums[o + 4] = e, sums[o + 5] = f, sums[o + 6] = g, sums[o + 7] = h;
  }
}

/** The network of a tile. Every layer is a weighted sum of rows: of the tables, then of a row for each input above zero. */
class Network {
  constructor(payload, size, way, tile) {
    const { hidden, layers, residualScale } = payload, most = Math.max(hidden + 7, 256);
    const others = layers.slice(1).map(({ rows, levels, scales }, k) => {
      const stride = (rows + 7) & ~7, table = new Float64Array(hidden * stride), unit = k === layers.length - 2 ? residualScale : 1;
      levels.forEach((level, i) => (table[(i % hidden) * stride + Math.floor(i / hidden)] = level * scales[Math.floor(i / hidden)] * unit));
      return { table, stride };
    });
    Object.assign(this, { payload, layers: [tabulate(payload, size, way, tile), ...others], count: 0, waves: new Float64Array(32) });
    Object.assign(this, { rows: new Int32Array(most), weights: new Float64Array(most), sums: new Float64Array(most) });
  }

  /** Have a row of the tables among those to be summed: the one of a value of an input. */
  take(input, value, weight = 1) {
    this.rows[this.count] = this.layers[0].starts[input] + value;
    this.weights[this.count++] = weight;
  }

  /** Have the waves of a linear colour's channel among them. */
  takeWaves(channel, value) {
    const { payload, waves } = this, { colorOctaves } = payload;
    setWaves(waves, 2 * Math.fround(value) - 1, payload, colorOctaves);
    for (let k = 0; k < 2 * colorOctaves; k++) this.take(2 + channel, k, waves[k]);
  }

  /** The residual, for the rows that were taken. Two inputs of three are zero: they cost nothing. */
  finish() {
    const { layers, rows, weights, sums, payload: { hidden } } = this;
    for (let k = 0; k < layers.length; k++) {
      sumRows(sums, layers[k], rows, weights, this.count);
      this.count = 0;
      for (let i = 0; i < hidden && k < layers.length - 1; i++) {
        if (sums[i] > 0) {
          rows[this.count] = i;
          weights[this.count++] = sums[i];
        }
      }
    }
    return sums;
  }
}

/** Means of the codes around a pixel, in quarter codes, by sums over all that lies above and left of a place. */
class BoxMeans {
  constructor({ data, width, height }, margin) {
    const stride = 3 * (width + 2 * margin + 1), sums = new Uint32Array(stride * (height + 2 * margin + 1));
    for (let y = 0, at = stride + 3; y < height + 2 * margin; y++, at += 3) {
      const from = width * Math.min(Math.max(y - margin, 0), height - 1), line = [0, 0, 0];
      for (let x = 0; x < width + 2 * margin; x++) {
        const pixel = 4 * (from + Math.min(Math.max(x - margin, 0), width - 1));
        for (let c = 0; c < 3; c++, at++) sums[at] = sums[at - stride] + (line[c] += data[pixel + c]);
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
  let network = null, means = null;
  for (let y = 0, to = 0; y < height; y++) {
    const inRegion = top + y - region.y;
    for (let x = 0, at = 4 * (region.width * inRegion + left - region.x); x < width; x++, at += 4, to += 4) {
      const red = codes[at], green = codes[at + 1], blue = codes[at + 2];
      for (let c = 0; c < 3; c++) rgb[c] = LIGHT[codes[at + c]];
      toProphoto(light, rgb, matrixIn);
      const moves = intent ? movesOf(intent, red, green, blue) : 0;
      const clipped = isClipped(payload, tolerance, Math.min(red, green, blue), Math.max(red, green, blue));
      if ((clipped || moves) && (!blocks || isLost(payload, size, way, left + x, top + y))) {
        let residual = NOTHING;
        if (payload.depth) {
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
              const mean = means.at(left + x - region.x, inRegion, c, radius);
              network.take(5 + 3 * k + c, contrast ? 64 + Math.max(-64, Math.min(64, 4 * codes[at + c] - mean)) : mean);
            }
          }
          residual = network.finish();
        }
        if (moves) {
          moveBack(rgb, intent, moves, codes, at, exact);
          toProphoto(light, rgb, matrixIn);
        }
        for (let c = 0; c < 3; c++) light[c] += residual[c];
      }
      let outside = false;
      for (let c = 0; c < 3; c++) {
        const value = matrix[3 * c] * light[0] + matrix[3 * c + 1] * light[1] + matrix[3 * c + 2] * light[2];
        if (mark) outside ||= value < -HALF_CODE || value > 1 + HALF_CODE;
        else if (table) data[to + c] = table[value > 0 ? (value < 1 ? (value * 65535 + 0.5) | 0 : 65535) : 0];
        else data[to + c] = 65535 * encode(value, space) + 0.5;
      }
      if (!mark) data[to + 3] = depth === 8 ? 255 : 65535;
      else if (outside) data.fill(255, to, to + 4);
    }
    if (rest) await rest();
  }
  return { width, height, data };
}

const NOTHING = [0, 0, 0];

function toProphoto(light, rgb, matrix) {
  for (let c = 0; c < 3; c++) light[c] = matrix[3 * c] * rgb[0] + matrix[3 * c + 1] * rgb[1] + matrix[3 * c + 2] * rgb[2];
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
    const restored = job && (await restoreTile(job));
    postMessage(restored, restored ? [restored.data.buffer] : []);
  };
}
