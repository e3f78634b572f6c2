// The core of gamut.js where no browser is, by node's own test runner. test_node.py prepares what it is compared with.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import zlib from "node:zlib";

import { decodePayload, restorePixels } from "../../gamutcli/viewer/gamut.js";

const GOLDEN = new URL("../golden/", import.meta.url);
const golden = (name) => readFileSync(new URL(name, GOLDEN));
const CASES = process.env.GAMUT_CASES;
const cases = CASES ? JSON.parse(readFileSync(`${CASES}/cases.json`, "utf8")) : [];

/** Bytes of a payload with a change made to it, and the checksum made right again. */
function forged(change, name = "codes") {
  const data = change(Buffer.from(golden(`payloads/${name}.gamut`)));
  data.writeUInt32LE(zlib.crc32 ? zlib.crc32(data.subarray(0, -4)) : crc32(data.subarray(0, -4)), data.length - 4);
  return data;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const refused = (bytes, code) => assert.rejects(decodePayload(bytes), (error) => error.name === "GamutError" && error.code === code);

for (const { name, folder, space, depth, width, height, carrier, status } of cases) {
  test(`${name} is restored to what gamut expand gives, ${space}, ${depth} bits`, async () => {
    const file = name === "sidecar.jpg" ? "sidecar.jpg.gamut" : name;
    const payload = await decodePayload(readFileSync(`${folder}/${file}`));
    assert.equal(payload.carrier, carrier);
    const pixels = { width, height, data: new Uint8Array(readFileSync(`${CASES}/${name}.rgba`)) };
    const restored = await restorePixels(payload, pixels, { space, depth });
    assert.equal(restored.status, status);
    const wanted = new Uint16Array(new Uint8Array(readFileSync(`${CASES}/${name}.${space}`)).buffer);
    assert.equal(restored.data.length, (wanted.length / 3) * 4);
    let most = 0;
    for (let k = 0; k < wanted.length; k++) {
      const code = restored.data[4 * Math.floor(k / 3) + (k % 3)];
      const far = depth === 16 ? Math.abs(code - wanted[k]) : Math.abs(code - wanted[k] / 257) - 0.5;
      most = Math.max(most, far);
    }
    assert.ok(most <= (depth === 16 ? 2 : 0.1), `off by ${most} codes`);
  });
}

test("every kind of payload is read", async () => {
  const expected = JSON.parse(golden("payloads.json").toString());
  for (const name of readdirSync(new URL("payloads/", GOLDEN))) {
    const payload = await decodePayload(golden(`payloads/${name}`));
    const { size, digest, tolerance, every_pixel, adaptation, network } = expected[name.replace(".gamut", "")];
    assert.deepEqual([payload.width, payload.height, payload.digest], [...size, digest]);
    assert.deepEqual([payload.tolerance, payload.everyPixel, payload.adaptation], [tolerance, every_pixel, adaptation]);
    if (!network) {
      assert.equal(payload.depth, 0);
      continue;
    }
    assert.deepEqual(payload.layers.map(({ rows, columns }) => [rows, columns]), network.layers.map((layer) => layer.slice(0, 2)));
    assert.deepEqual(payload.boxes.map(({ radius, octaves, contrast }) => [radius, octaves, contrast]), network.boxes);
  }
});

test("a file without a payload says so", async () => {
  await refused(Buffer.from([0xff, 0xd8, 0xff, 0xda]), "no-payload");
  await refused(golden("reduced/sidecar.jpg"), "no-payload");
});

test("what is no picture is not supported", () => refused(Buffer.from("GIF89a, or so"), "unsupported"));

test("each bit of a payload is guarded by its checksum", async () => {
  const whole = golden("payloads/one-layer-small-grid.gamut");
  for (let at = 5; at < whole.length; at += 7) {
    const damaged = Buffer.from(whole);
    damaged[at] ^= 16;
    await refused(damaged, "damaged");
  }
});

test("a version from the future is named, and is no damage", async () => {
  await refused(forged((data) => (data[4] = 9, data)), "version");
});

const BOUNDS = { flags: [5, 8], tolerance: [6, 65], side: [7, 33], "no side": [7, 0], width: [11, 1], height: [15, 1],
  octaves: [32, 17], "color octaves": [33, 17], "first octave": [34, 17], depth: [35, 9], hidden: [37, 5], boxes: [38, 9],
  zero: [39, 1], scale: [43, 0x7f, 42, 0x80] };
for (const [field, bytes] of Object.entries(BOUNDS)) {
  test(`a payload whose ${field} is out of bounds is refused`, () =>
    refused(forged((data) => {
      for (let k = 0; k < bytes.length; k += 2) data[bytes[k]] = bytes[k + 1];
      return data;
    }), "damaged"));
}

const withBody = (body) => (data) => Buffer.concat([data.subarray(0, 44), body, Buffer.alloc(4)]);
const bodyOf = (data) => zlib.inflateRawSync(data.subarray(44, -4));

test("a body that is too long, too short or followed by more is refused", async () => {
  const body = bodyOf(golden("payloads/codes.gamut"));
  const exact = zlib.deflateRawSync(body);
  await decodePayload(forged(withBody(exact)));
  await refused(forged(withBody(zlib.deflateRawSync(Buffer.concat([body, Buffer.alloc(1)])))), "damaged");
  await refused(forged(withBody(zlib.deflateRawSync(body.subarray(1)))), "damaged");
  await refused(forged(withBody(Buffer.concat([exact, Buffer.from([0])]))), "damaged");
  await refused(forged(withBody(exact.subarray(0, -1))), "damaged");
});

test("a bomb is not inflated", async () => {
  const bomb = zlib.deflateRawSync(Buffer.alloc(1 << 28));
  assert.ok(bomb.length < 1 << 20);
  const before = process.memoryUsage().rss;
  await refused(forged(withBody(bomb)), "damaged");
  assert.ok(process.memoryUsage().rss - before < 1 << 27);
});

test("a scale that is not finite is refused", async () => {
  await refused(forged((data) => {
    const body = bodyOf(data);
    body[body.length - 1] = 0x7c;
    return withBody(zlib.deflateRawSync(body))(data);
  }), "damaged");
});

test("weights that could overflow are refused", async () => {
  await refused(forged((data) => {
    const body = bodyOf(data);
    body.fill(0x7b, body.length - (3 * 16 + 3));
    return withBody(zlib.deflateRawSync(body))(data);
  }), "damaged");
});

/** A payload of version 2: that of `codes`, which has no boxes, with fields put in. */
const withFields = (fields, length = fields.length) => forged((data) => {
  data[4] = 2;
  return Buffer.concat([data.subarray(0, 44), Buffer.from([length & 255, length >> 8]), Buffer.from(fields), data.subarray(44)]);
});
const CURVES = [0x99, 0x19, 0, 0x30, 3, 0x48, 1];
const field = (number, content) => [number, content.length & 255, content.length >> 8, ...content];

test("fields of version 2 are read", async () => {
  const blocks = zlib.deflateRawSync(Buffer.from([0b10010000])); // of 24 x 20 pixels: two by two
  const fields = [...field(1, [0]), ...field(2, [1, ...CURVES, ...CURVES]), ...field(3, [...blocks])];
  const { version, intent, blocks: read } = await decodePayload(withFields(fields));
  assert.equal(version, 2);
  assert.deepEqual(intent.below, { knee: 6553, limit: 12288, levels: 3, bound: 328 });
  assert.deepEqual({ ...read, bits: [...read.bits] }, { columns: 2, rows: 2, bits: [0b10010000] });
  assert.equal((await decodePayload(withFields([]))).intent, undefined);
});

const changed = (at, value) => CURVES.with(at, value);
const REFUSED = {
  "of a number that is not known": [field(4, [0]), "version"],
  "with another base space": [field(1, [1]), "version"],
  "with another intent": [field(2, [2, ...CURVES, ...CURVES]), "version"],
  "with a knee beyond bounds": [field(2, [1, ...changed(1, 0x81), ...CURVES]), "damaged"],
  "with a limit below 1": [field(2, [1, ...CURVES, ...changed(3, 0x1f)]), "damaged"],
  "with levels that are even": [field(2, [1, ...changed(4, 4), ...CURVES]), "damaged"],
  "with too many levels": [field(2, [1, ...CURVES, ...changed(4, 17)]), "damaged"],
  "in the wrong order": [[...field(2, [1, ...CURVES, ...CURVES]), ...field(1, [0])], "damaged"],
  "that is there twice": [[...field(1, [0]), ...field(1, [0])], "damaged"],
  "that is cut short": [field(1, [0]).slice(0, 3), "damaged"],
  "with too many blocks": [field(3, [...zlib.deflateRawSync(Buffer.alloc(2))]), "damaged"],
  "with blocks that are a bomb": [field(3, [...zlib.deflateRawSync(Buffer.alloc(1 << 24))]), "damaged"],
};
for (const [what, [fields, code]] of Object.entries(REFUSED)) {
  test(`a field ${what} is refused`, () => refused(withFields(fields), code));
}

test("fields that are longer than the payload are refused", () => refused(withFields([], 60000), "damaged"));

/** A PNG of one text chunk with this packet. */
function png(packet, kind = "iTXt", keyword = "XML:com.adobe.xmp") {
  const heads = { iTXt: "\0\0\0\0\0", zTXt: "\0\0", tEXt: "\0" };
  const body = Buffer.concat([Buffer.from(keyword + heads[kind], "latin1"), kind === "zTXt" ? zlib.deflateSync(packet) : packet]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length);
  head.write(kind, 4, "latin1");
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), head, body, Buffer.alloc(4)]);
}

function part(payload = golden("payloads/codes.gamut"), index = 1, total = 1, body = payload) {
  const digest = createDigest(payload);
  return `gamut1:${index}/${total}:${digest}:${body.toString("base64")}`;
}

const { createHash } = await import("node:crypto");
const createDigest = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

const NS = "https://gamutcli.github.io/ns/1.0/";
const RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"';
const packets = {
  "as an element": `<x><rdf:Description ${RDF} xmlns:gamut="${NS}"><gamut:Payload>${part()}</gamut:Payload></rdf:Description></x>`,
  "as an attribute": `<x><rdf:Description ${RDF} xmlns:gamut='${NS}' gamut:Payload='${part()}'/></x>`,
  "under another prefix": `<x xmlns:a="${NS}"><y><a:Payload>${part()}</a:Payload></y></x>`,
  "without a prefix": `<x><Payload xmlns="${NS}">${part()}</Payload></x>`,
  "wrapped": `<x xmlns:a="${NS}"><a:Payload>\n${part().replace(/(.{60})/g, "$1\n  ")}\n</a:Payload></x>`,
  "wrapped in an attribute": `<x xmlns:a="${NS}" a:Payload="${part().replace(/(.{60})/g, "$1&#xA;&#10;")}"/>`,
  "behind comments": `<?xpacket?><!-- <a> " --><x xmlns:a="${NS}" b="1 > 0"><a:Payload>${part()}</a:Payload></x>`,
  "in two parts": `<x xmlns:a="${NS}"><a:Payload>${part(undefined, 2, 2, golden("payloads/codes.gamut").subarray(900))}</a:Payload>` +
    `<a:Payload>${part(undefined, 1, 2, golden("payloads/codes.gamut").subarray(0, 900))}</a:Payload></x>`,
};
for (const [how, packet] of Object.entries(packets)) {
  test(`the property is found ${how}`, async () => {
    assert.equal((await decodePayload(png(Buffer.from(packet)))).width, 24);
    assert.equal((await decodePayload(png(Buffer.from(packet), "zTXt"))).width, 24);
    assert.equal((await decodePayload(png(Buffer.from(packet, "utf16le"), "tEXt"))).width, 24);
  });
}

test("a packet in hexadecimal digits is read", async () => {
  const digits = Buffer.from(packets["as an element"]).toString("hex").replace(/(.{72})/g, "$1\n");
  const packet = `\nxmp\n${String(digits.length).padStart(8)}\n${digits}\n`;
  assert.equal((await decodePayload(png(Buffer.from(packet), "zTXt", "Raw profile type xmp"))).width, 24);
});

test("another namespace, a document type or a missing part is no payload", async () => {
  const packet = packets["as an element"];
  await refused(png(Buffer.from(packet.replace(NS, NS.replace("1.0", "9.0")))), "no-payload");
  await refused(png(Buffer.from(`<!DOCTYPE x>${packet}`)), "no-payload");
  await refused(png(Buffer.from(packet.replace("1/1", "1/2"))), "damaged");
  await refused(png(Buffer.from(packet.replace("1/1", "1/999"))), "damaged");
  await refused(png(Buffer.from(packet.replace("R01V", "R01W"))), "damaged");
});

const HOSTILE = {
  "a tag that never ends": `<x xmlns:a="${NS}" ` + "<a ".repeat(2 << 20),
  "tags without end": `<x xmlns:a="${NS}">` + "<a>".repeat(2 << 20),
  "attributes without end": `<x xmlns:a="${NS}" ` + "a".repeat(6 << 20) + ">",
  "names without end": `<x xmlns:a="${NS}" ` + Array.from({ length: 3e5 }, (_, k) => `xmlns:n${k}=""`).join(" ") + ">",
  "quotes without end": `<x xmlns:a="${NS}" ` + `a="" '`.repeat(1 << 20),
};
for (const [what, packet] of Object.entries(HOSTILE)) {
  test(`a packet with ${what} is refused within a second`, { timeout: 5000 }, () => refused(png(Buffer.from(packet), "zTXt"), "no-payload"));
}

test("a text chunk that is a bomb is refused", () =>
  refused(png(Buffer.concat([Buffer.from(`<x xmlns:a="${NS}">`), Buffer.alloc(9 << 20, " ")]), "zTXt"), "damaged"));

function picture(width, height) {
  const data = new Uint8Array(4 * width * height);
  data.forEach((_, k) => (data[k] = k % 4 === 3 ? 255 : (k * 7919) % 256));
  return { width, height, data };
}

for (const sign of [0, -1, 1]) {
  test(`8 bits are those of 16, in pairs of sums whose weights are ${["lowest", "of all kinds", "highest"][sign + 1]}`, async () => {
    const payload = await decodePayload(golden("payloads/codes.gamut")), hidden = 256;
    let seed = 1;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    const level = () => (sign && random() < 0.9 ? (sign < 0 ? -128 : 127) : Math.floor(256 * random()) - 128);
    const layer = (rows, columns) => ({ rows, columns, levels: Int8Array.from({ length: rows * columns }, level),
      scales: Float32Array.from({ length: rows }, () => (random() - 0.3) / (sign ? columns : columns ** 0.5) / 64) });
    const layers = [layer(hidden, payload.layers[0].columns), layer(hidden, hidden), layer(3, hidden)];
    const network = { ...payload, layers, hidden, depth: 2, everyPixel: true, residualScale: sign ? 50 : 1 };
    const [eight, sixteen] = await Promise.all([8, 16].map((depth) => restorePixels(network, picture(24, 20), { force: true, depth })));
    const plain = await restorePixels({ ...network, depth: 0 }, picture(24, 20), { force: true });
    assert.ok(eight.data.filter((code, k) => Math.abs(code - plain.data[k]) > 2).length > 500);
    eight.data.forEach((code, k) => assert.ok(Math.abs(257 * code - sixteen.data[k]) <= 128.5 + 25, `${code} is ${sixteen.data[k]} / 257`));
  });
}

test("another picture is refused, and restored when it is forced", async () => {
  const payload = await decodePayload(golden("payloads/codes.gamut"));
  await assert.rejects(restorePixels(payload, picture(24, 20)), (error) => error.code === "changed");
  const restored = await restorePixels(payload, picture(24, 20), { force: true });
  assert.equal(restored.status, "changed");
  assert.equal(restored.data.length, 4 * 24 * 20);
});
