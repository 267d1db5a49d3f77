/**
 * Walks to a server step by step and writes down how each went (G13).
 *
 * A `fetch` that fails says next to nothing ("fetch failed"), and whoever mends
 * a name server is not who mends a clock. So each step is taken on its own, with
 * `node:dns`, `node:net` and `node:tls`, and with a deadline of its own.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import net from "node:net";
import tls from "node:tls";
import { codeOf } from "../lib/error_code.ts";
import { nameOfProxy } from "../lib/network/proxy.ts";
import type { HttpFound, Reach, Stage, TlsFound, Tried } from "../lib/network/reach.ts";
import type { Schedule } from "../lib/schedule.ts";
import { hostOf, portOf } from "../lib/network/url_address.ts";

export interface ProbePorts {
  /** Milliseconds that each step may take. */
  readonly timeoutMs: number;
  /** Milliseconds of a clock that is never set. */
  readonly elapsed: () => number;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

/** What a step ends with if nobody answers. */
const LATE = "no answer in time";

/**
 * The way to a server, without asking it anything.
 *
 * @param url `https:`, `wss:`, `http:` or `ws:`; its path does not matter.
 * @param proxy `"http://user:pw@host:3128"`, where the way leads through it: then it is the way to
 *   the proxy that is walked, and what lies behind it is told by whoever asks through it.
 */
export async function probeReach(
  url: string,
  proxy: string | undefined,
  ports: ProbePorts,
): Promise<Reach> {
  const target = new URL(url);
  const first = proxy === undefined ? target : new URL(proxy);
  const isSecure = target.protocol === "https:" || target.protocol === "wss:";
  const about = {
    host: hostOf(target),
    port: portOf(target),
    ...(proxy !== undefined && { proxy: nameOfProxy(proxy) }),
  };
  const host = hostOf(first);
  const dns: Reach["dns"] = net.isIP(host) ? { kind: "skipped", why: "none" } : await step(
    ports,
    async () => ({
      addresses: (await lookup(host, { all: true })).map(({ address }) => address),
    }),
  );
  if (dns.kind === "failed") return { ...about, dns, tcp: EARLIER, tls: EARLIER };

  const addresses = dns.kind === "ok" ? onePerFamily(dns.found.addresses) : [host];
  const tcp = await reachAny(addresses, portOf(first), ports);
  if (tcp.kind !== "ok") return { ...about, dns, tcp, tls: EARLIER };
  if (proxy !== undefined) return { ...about, dns, tcp, tls: { kind: "skipped", why: "proxy" } };
  if (!isSecure) return { ...about, dns, tcp, tls: { kind: "skipped", why: "none" } };
  return { ...about, dns, tcp, tls: await greet(tcp.found.address, about, ports) };
}

const EARLIER = { kind: "skipped", why: "earlier" } as const;

/**
 * Asks for a page by `fetch`, which knows of proxies by itself, and follows no redirect.
 *
 * @param userAgent By what name it asks.
 */
export function probeHttp(
  url: string,
  userAgent: string,
  ports: ProbePorts,
): Promise<Stage<HttpFound>> {
  return step(ports, async (signal) => {
    const startedAt = ports.now();
    const response = await fetch(url, {
      headers: { "user-agent": userAgent },
      redirect: "manual",
      signal,
    });
    const at = (startedAt + ports.now()) / 2;
    const { status, headers } = response;
    const location = headers.get("location") ?? undefined;
    const skewMs = skewOf(headers.get("date"), at);
    const retryAfterSec = Number(headers.get("retry-after") ?? NaN);
    const json = toJson(await response.text());
    return {
      status,
      server: headers.get("server")?.toLowerCase() ?? "",
      ...(json !== undefined && { json }),
      ...(location !== undefined && { location }),
      ...(Number.isFinite(retryAfterSec) && { retryAfterSec }),
      ...(skewMs !== undefined && { skewMs }),
    };
  });
}

/** Takes one step, within its time; it is let go even if the runtime does not give it up. */
async function step<Found>(
  { timeoutMs, elapsed, schedule }: ProbePorts,
  take: (signal: AbortSignal) => Promise<Found>,
): Promise<Stage<Found>> {
  const startedAt = elapsed();
  const controller = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = schedule(() => {
    reject(new Error(LATE));
    controller.abort();
  }, timeoutMs);
  try {
    const found = await Promise.race([take(controller.signal), late]);
    return { kind: "ok", ms: elapsed() - startedAt, found };
  } catch (error) {
    return { kind: "failed", ms: elapsed() - startedAt, code: reasonOf(error) };
  } finally {
    cancel();
    controller.abort(); // a socket that was too slow is not to be left behind
  }
}

/** Tries each address on its own, and goes by the first in order that answered. */
async function reachAny(
  addresses: readonly string[],
  port: number,
  ports: ProbePorts,
): Promise<Reach["tcp"]> {
  const steps = await Promise.all(
    addresses.map((host) =>
      step(ports, (signal) => connected(net.connect({ host, port }), "connect", signal, () => {}))
    ),
  );
  const tried = steps.map((one, index): Tried => {
    const address = addresses[index] ?? "";
    return one.kind === "ok"
      ? { address, ms: one.ms }
      : { address, ...(one.kind === "failed" && { code: one.code }) };
  });
  const first = tried.find(({ ms }) => ms !== undefined);
  if (first?.ms !== undefined) {
    return { kind: "ok", ms: first.ms, found: { address: first.address, tried } };
  }
  const ms = Math.max(0, ...steps.map((one) => one.kind === "skipped" ? 0 : one.ms));
  const codes = new Set(tried.map(({ code = LATE }) => code));
  return { kind: "failed", ms, code: [...codes].join(", ") || "no address" };
}

/**
 * Sees whose certificate it is. It is looked at even where it is not to be trusted, to say who
 * stands in between; nothing is sent.
 */
function greet(
  address: string,
  { host, port }: { readonly host: string; readonly port: number },
  ports: ProbePorts,
): Promise<Reach["tls"]> {
  return step(ports, async (signal) => {
    const socket = tls.connect({
      host: address,
      port,
      servername: net.isIP(host) ? "" : host,
      checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate),
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
    });
    return await connected(socket, "secureConnect", signal, () => describe(socket));
  });
}

function describe(socket: tls.TLSSocket): TlsFound {
  const certificate = socket.getPeerCertificate();
  const { issuer } = certificate;
  const refused = socket.authorized ? undefined : reasonOf(socket.authorizationError);
  return {
    protocol: socket.getProtocol() ?? "TLS",
    issuer: [issuer?.O ?? issuer?.CN ?? "nobody"].flat().join(", "),
    validTo: Date.parse(certificate.valid_to),
    ...(refused !== undefined && { refused }),
  };
}

function connected<Found>(
  socket: net.Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
  read: () => Found,
): Promise<Found> {
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.once("close", () => reject(new Error("connection broke")));
    socket.once(event, () => {
      const found = read();
      socket.destroy();
      resolve(found);
    });
  });
}

function onePerFamily(addresses: readonly string[]): readonly string[] {
  return [4, 6].flatMap((family) => addresses.find((one) => net.isIP(one) === family) ?? []);
}

/** The header counts whole seconds: its middle is the best guess. */
function skewOf(date: string | null, at: number): number | undefined {
  const said = Date.parse(date ?? "");
  return Number.isNaN(said) ? undefined : Math.round(at - (said + 500));
}

function toJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // a page, of whoever stands in between
  }
}

/** A system's name for it, of the error or of what caused it; never a URL, which may hold secrets. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; depth++) {
    const code = codeOf(error);
    if (code !== undefined) return code;
    if (error.message === LATE) return LATE;
    if (error.cause === undefined) return error.message.includes("://") ? "failed" : error.message;
    error = error.cause;
  }
  return "failed";
}
