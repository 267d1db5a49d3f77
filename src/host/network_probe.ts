/**
 * Connects to a server step by step and records each step's result (G13).
 *
 * A failed `fetch` reports little ("fetch failed"), and a broken name server needs another fix than
 * a wrong clock. So each step runs on its own, with `node:dns`, `node:net` and `node:tls`, and with
 * its own time-out.
 */

import { fetchPlain, nameOfProxy, readPieces } from "../lib/network/fetch_plain.ts";
import { lookup } from "node:dns/promises";
import net from "node:net";
import tls from "node:tls";
import { codeOf } from "../lib/errors.ts";
import type {
  HttpFound,
  Reachability,
  Stage,
  TlsFound,
  Tried,
} from "../lib/network/reachability.ts";
import { inTime, schedule } from "../lib/clock.ts";
import { hostOf, portOf } from "../lib/network/addresses.ts";

const LATE = "no answer in time";

/** Maximum characters of a page to read. Discord's answer is shorter; a captive portal's is not. */
const PAGE_MAX = 64 * 1024;

/**
 * Probes the path to a server, without sending a request.
 *
 * @param url `https:`, `wss:`, `http:` or `ws:`; its path does not matter.
 * @param proxy `"http://user:pw@host:3128"`, if the path leads through a proxy. Then the path to
 * the proxy is probed; requests through it show the rest.
 * @param timeoutMs Of each step.
 */
export async function probeReachability(
  url: string,
  proxy: string | undefined,
  timeoutMs: number,
): Promise<Reachability> {
  const target = new URL(url);
  const first = proxy === undefined ? target : new URL(proxy);
  const isSecure = target.protocol === "https:" || target.protocol === "wss:";
  const about = {
    host: hostOf(target),
    port: portOf(target),
    proxy: proxy !== undefined ? nameOfProxy(proxy) : undefined,
  };
  const host = hostOf(first);
  const dns: Reachability["dns"] = net.isIP(host) ? { kind: "skipped", why: "none" } : await step(
    timeoutMs,
    async () => ({ addresses: (await lookup(host, { all: true })).map(({ address }) => address) }),
  );
  if (dns.kind === "failed") return { ...about, dns, tcp: EARLIER, tls: EARLIER };

  const addresses = dns.kind === "ok" ? onePerFamily(dns.found.addresses) : [host];
  const tcp = await reachAny(addresses, portOf(first), timeoutMs);
  if (tcp.kind !== "ok") return { ...about, dns, tcp, tls: EARLIER };
  if (proxy !== undefined) return { ...about, dns, tcp, tls: { kind: "skipped", why: "proxy" } };
  if (!isSecure) return { ...about, dns, tcp, tls: { kind: "skipped", why: "none" } };
  return { ...about, dns, tcp, tls: await greet(tcp.found.address, about, timeoutMs) };
}

const EARLIER = { kind: "skipped", why: "earlier" } as const;

/**
 * Requests a page with `fetch`, which uses proxies by itself, and follows no redirect.
 *
 * @param userAgent The User-Agent header.
 */
export function probeHttp(
  url: string,
  userAgent: string,
  timeoutMs: number,
): Promise<Stage<HttpFound>> {
  return step(timeoutMs, async (signal) => {
    const startedAt = Date.now();
    const response = await fetchPlain(fetch, url, {
      headers: { "user-agent": userAgent },
      redirect: "manual",
      signal,
    });
    const at = (startedAt + Date.now()) / 2;
    const { status, headers } = response;
    const location = headers.get("location") ?? undefined;
    const skewMs = skewOf(headers.get("date"), at);
    const retryAfterSec = Number(headers.get("retry-after") ?? NaN);
    const json = toJson(await beginningOf(response, signal));
    return {
      status,
      server: headers.get("server")?.toLowerCase() ?? "",
      json,
      location,
      retryAfterSec: Number.isFinite(retryAfterSec) ? retryAfterSec : undefined,
      skewMs,
    };
  });
}

/** Runs one step with a time-out, and abandons it even if the runtime does not cancel it. */
async function step<Found>(
  timeoutMs: number,
  take: (signal: AbortSignal) => Promise<Found>,
): Promise<Stage<Found>> {
  const startedAt = performance.now();
  const controller = new AbortController();
  try {
    const found = await inTime(take(controller.signal), timeoutMs, schedule, () => {
      throw new Error(LATE);
    });
    return { kind: "ok", ms: performance.now() - startedAt, found };
  } catch (error) {
    return { kind: "failed", ms: performance.now() - startedAt, code: reasonOf(error) };
  } finally {
    controller.abort(); // close a socket that connected too late
  }
}

/** Tries each address on its own, and uses the first in order that answered. */
async function reachAny(
  addresses: readonly string[],
  port: number,
  timeoutMs: number,
): Promise<Reachability["tcp"]> {
  const steps = await Promise.all(
    addresses.map((host) =>
      step(
        timeoutMs,
        (signal) => connected(net.connect({ host, port }), "connect", signal, () => {}),
      )
    ),
  );
  const tried = steps.map((one, index): Tried => {
    const address = addresses[index] ?? "";
    return one.kind === "ok"
      ? { address, ms: one.ms }
      : { address, code: one.kind === "failed" ? one.code : undefined };
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
 * Reads the server's certificate, even if it is untrusted, to name the interceptor. It sends
 * nothing.
 */
function greet(
  address: string,
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<Reachability["tls"]> {
  return step(timeoutMs, async (signal) => {
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
    issuer: [issuer?.O ?? issuer?.CN ?? "unknown"].flat().join(", "),
    validTo: Date.parse(certificate.valid_to),
    refused,
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

/** The header counts whole seconds, so the middle of the second is the best estimate. */
function skewOf(date: string | null, at: number): number | undefined {
  const serverAt = Date.parse(date ?? "");
  return Number.isNaN(serverAt) ? undefined : Math.round(at - (serverAt + 500));
}

async function beginningOf({ body }: Response, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  await readPieces(body, signal, (piece) => {
    text += decoder.decode(piece, { stream: true });
    return text.length < PAGE_MAX;
  });
  return text;
}

function toJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // a page of a captive portal or proxy
  }
}

/** The system's code of the error or of its cause; never a URL, which may contain secrets. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; depth++) {
    const code = codeOf(error);
    if (code !== undefined) return code;
    if (error.cause === undefined) return error.message.includes("://") ? "failed" : error.message;
    error = error.cause;
  }
  return "failed";
}
