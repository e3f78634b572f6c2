// gamut-pixels.js: the JavaScript path of gamut.js, which loads it where there is no GPU. It is its workers' script too. MIT licence.
// Sections are those of docs/FORMAT.md of gamutcli. Every sum is one of float64, and no loop over pixels makes an object.

import { FROM_PROPHOTO, GamutError, HALF_CODE, LIGHT, STEPS, TO_PROPHOTO, codesOf, lightOf, marginOf, regionOf, setWaves, tabulate,
  toleranceOf } from "./gamut.js";

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
export async function restoreTile({ payload, way, exact, size, tile, region, space = "display-p3", depth = 8, mark = false }, rest) {
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
const startWorker = async () => askWorker(new Worker(new URL("./gamut-pixels.js", import.meta.url), { type: "module", name: WORKER }));

/** Workers that wait for tiles; none at all where files, policies or other hosts allow none. */
const idle = [];
let hasWorkers;

/** Restore tiles in JavaScript, in as many workers as there are processors. */
export async function restoreInScript({ payload, way, exact, bitmap }, settings, tiles, use) {
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
