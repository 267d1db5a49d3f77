/** Clients under a test's full control: they send the given data, and report the answers. */

import { type DemoWorld, demoWorld } from "../../simulator/actions/demo_world.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../simulator/simulator.ts";

const soon = (): AbortSignal => AbortSignal.timeout(60_000);

/** Runs a test against a demo world of its own, and closes it even after a failure. */
export async function withSimulator(
  test: (sim: Simulator, demo: DemoWorld) => Promise<void>,
  options: SimulatorOptions = {},
): Promise<void> {
  const { nonceWindowMs } = options;
  const demo = demoWorld({ ...(nonceWindowMs !== undefined && { nonceWindowMs }) });
  const sim = await startSimulator({
    world: demo.world,
    dave: async () => await (await import("../../src/features/voice/davey.ts")).loadDavey(),
    ...options,
  });
  try {
    await test(sim, demo);
  } finally {
    await sim.close();
  }
}

export interface Answer {
  readonly status: number;
  /** Parsed, if it is JSON. */
  readonly body: unknown;
  readonly headers: Headers;
}

const AGENT = "DiscordBot (https://example.invalid, 1.0.0)";

/** One request of a well-behaved bot. */
export async function ask(
  sim: Pick<Simulator, "apiUrl" | "token">,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const isForm = body instanceof FormData;
  const hasBody = body !== undefined;
  const response = await fetch(`${sim.apiUrl}/api/v10${path}`, {
    method,
    headers: {
      "User-Agent": AGENT,
      "Authorization": `Bot ${sim.token}`,
      ...(hasBody && !isForm && { "Content-Type": "application/json" }),
    },
    ...(hasBody && { body: isForm || typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return {
    status: response.status,
    body: isJson && text ? JSON.parse(text) : text || undefined,
    headers: response.headers,
  };
}

export interface Frame {
  readonly op: number;
  readonly t: string | null;
  readonly s: number | null;
  readonly d: Record<string, unknown> | null;
}

export interface RawGateway {
  readonly frames: readonly Frame[];
  send(payload: unknown): void;
  close(code?: number): void;
  /** Resolves with the first matching frame. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves when the WebSocket is open. */
  readonly opened: Promise<void>;
  /** Resolves with the close code when the connection has ended. */
  readonly closed: Promise<number>;
}

/** Opens a connection to the gateway. */
function connectRaw(sim: Simulator): RawGateway {
  const socket = new WebSocket(`${sim.gatewayUrl}/?v=10&encoding=json`);
  const frames: Frame[] = [];
  socket.onmessage = ({ data }) => frames.push(JSON.parse(data));
  const closed = new Promise<number>((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
  });
  const opened = new Promise<void>((resolve) => {
    socket.onopen = () => resolve();
  });
  return {
    frames,
    opened,
    closed,
    send: (payload) => socket.send(typeof payload === "string" ? payload : JSON.stringify(payload)),
    close: (code = 1000) => socket.close(code),
    frame: (fits) => sim.until(() => frames.find(fits), soon()),
  };
}

const isOp = (op: number) => (frame: Frame): boolean => frame.op === op;
const isEvent = (t: string) => (frame: Frame): boolean => frame.t === t;

/** A valid IDENTIFY, with the test's changes. */
function identify(
  sim: Simulator,
  fields: Readonly<Record<string, unknown>> = {},
): { readonly op: 2; readonly d: Readonly<Record<string, unknown>> } {
  const properties = { os: "linux", browser: "raw", device: "raw" };
  return { op: 2, d: { token: sim.token, properties, intents: 0xb601, ...fields } };
}

export async function connectReady(
  sim: Simulator,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<RawGateway> {
  const gateway = connectRaw(sim);
  await gateway.frame(isOp(10));
  gateway.send(identify(sim, fields));
  await gateway.frame(isEvent("READY"));
  return gateway;
}
