// gamut-webgl2.js: the fast path of gamut.js, which loads it where a browser has WebGL2. MIT licence.
//
// The first layer is a sum of table rows, and the tables are textures; the hidden layers run in a fragment shader; pixels that
// do not look clipped leave it early.

import { FROM_PROPHOTO, HALF_CODE, LIGHT, STEPS, TO_PROPHOTO, marginOf, newContext, regionOf, tabulate, toleranceOf } from "./gamut.js";

/** Of a tile, at most. */
export const SIDE = 1024;
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
export function speed() {
  try {
    return SOFTWARE.test(Gpu.get().name()) ? "slow" : "fast";
  } catch {
    return "none";
  }
}

/** Pictures one after another: they share a context. */
let last = Promise.resolve();

/** Restore tiles of a picture: `use(tile, restored)` has each on a canvas, or as codes, {width, height, data}. */
export function restoreOnGpu(...given) {
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

