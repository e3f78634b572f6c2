/** What went wrong. */
export class GamutError extends Error {
  code: "no-payload" | "damaged" | "version" | "changed" | "unsupported" | "noise" | "cors" | "browser";
  constructor(code: GamutError["code"], message: string);
}

export type Space = "display-p3" | "srgb" | "prophoto";
export type Path = "webgl2" | "js";
export type Status = "ok" | "recompressed" | "changed" | "unchecked";

export interface Curve {
  knee: number;
  limit: number;
  levels: number;
  bound: number;
}

export interface Payload {
  version: number;
  size: number;
  carrier: string;
  width: number;
  height: number;
  depth: number;
  hidden: number;
  tolerance: number;
  everyPixel: boolean;
  adaptation: "bradford" | "cat02";
  /** Of version 2: how colours were moved inwards; absent where they were clipped. */
  intent?: { below: Curve; above: Curve };
}

export interface Options {
  space?: Space;
  depth?: 8 | 16;
  path?: "auto" | Path;
  sidecar?: Uint8Array;
  force?: boolean;
  check?: boolean;
}

export interface Restored {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint16Array;
  path: Path;
  status: Status;
  payload: Payload;
}

export function decodePayload(bytes: Uint8Array | ArrayBuffer): Promise<Payload>;
export function restore(bytes: Uint8Array, options?: Options): Promise<Restored>;
export function render(
  canvas: HTMLCanvasElement,
  bytes: Uint8Array,
  options?: Omit<Options, "space" | "depth"> & { maxPixels?: number; mark?: boolean },
): Promise<Omit<Restored, "data"> & { space: string }>;
export function restorePixels(
  payload: Payload,
  pixels: { width: number; height: number; data: Uint8Array | Uint8ClampedArray },
  options?: Pick<Options, "space" | "depth" | "force">,
): Promise<Omit<Restored, "path" | "payload">>;
