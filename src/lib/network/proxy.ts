/**
 * Which proxy stands between this machine and a URL: what `HTTPS_PROXY`,
 * `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
 *
 * `fetch` reads them by itself; a socket of our own must come to the same
 * answer, or one half of the bot would go where the other cannot. So this is
 * what Bun's `fetch` was seen to do (Deno's differs where the two spellings of a
 * variable disagree): the lower-case variable first, an empty one is none, and
 * what is no URL is passed over. `NO_PROXY` takes hosts, which stand for what is
 * below them too, `.host`, `*.host`, `host:port` and `*`. A net such as
 * `10.0.0.0/8` is honoured by `fetch` only: Discord's hosts are names.
 *
 * @module
 */

import { isLoopbackHost } from "./loopback.ts";
import { hostOf, portOf } from "./url_address.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** How a URL is reached. */
export type Passage =
  | { readonly kind: "direct" }
  | {
    readonly kind: "proxy";
    /** Of the variable, as it was written there: `"HTTPS_PROXY"`. */
    readonly variable: string;
    /** `"http://user:pw@host:3128"`. */
    readonly url: string;
  }
  /** A variable names something that no part of Barnacle can go through. */
  | { readonly kind: "unusable"; readonly variable: string; readonly why: string };

const DIRECT: Passage = { kind: "direct" };

/**
 * How a URL is reached from an environment such as this one.
 *
 * This machine is always reached directly: what is sent there in clear text,
 * the bot token with it, must not be sent to a proxy.
 *
 * @param url `http:`, `https:`, `ws:` or `wss:`.
 */
export function passageTo(url: URL | string, env: Env): Passage {
  const target = new URL(url);
  if (isLoopbackHost(target.hostname)) return DIRECT;
  const isSecure = target.protocol === "https:" || target.protocol === "wss:";
  const found = variableOf(env, isSecure ? "HTTPS_PROXY" : "HTTP_PROXY") ??
    variableOf(env, "ALL_PROXY");
  if (!found || isExempt(target, variableOf(env, "NO_PROXY")?.value ?? "")) return DIRECT;

  const { name: variable, value } = found;
  const proxy = URL.parse(value);
  if (!proxy?.hostname) {
    return { kind: "unusable", variable, why: "it is no URL, such as http://proxy.lan:3128" };
  }
  if (proxy.protocol !== "http:" && proxy.protocol !== "https:") {
    const scheme = proxy.protocol.slice(0, -1);
    return {
      kind: "unusable",
      variable,
      why: `a ${scheme} proxy is not supported, only http and https`,
    };
  }
  return { kind: "proxy", variable, url: value.trim() };
}

/**
 * The proxy for a URL, as {@link passageTo} finds it.
 *
 * @returns `"http://user:pw@host:3128"`; `undefined` where there is none that can be used.
 */
export function proxyFor(url: URL | string, env: Env): string | undefined {
  const passage = passageTo(url, env);
  return passage.kind === "proxy" ? passage.url : undefined;
}

/** A proxy as people may read it, without user and password: `"proxy.lan:3128"`. */
export function nameOfProxy(proxy: string): string {
  const url = new URL(proxy);
  return `${url.hostname}:${portOf(url)}`;
}

/**
 * What `NO_PROXY` must be so that `fetch`, too, reaches this machine directly:
 * left alone, both runtimes send what is for 127.0.0.1 to a proxy.
 */
export function noProxyOf(env: Env): string {
  const written = variableOf(env, "NO_PROXY")?.value;
  return [...(written === undefined ? [] : [written]), "localhost", "127.0.0.1", "::1"].join(",");
}

function variableOf(
  env: Env,
  name: string,
): { readonly name: string; readonly value: string } | undefined {
  for (const spelling of [name.toLowerCase(), name]) {
    const value = env[spelling];
    if (value?.trim()) return { name: spelling, value };
  }
  return undefined;
}

function isExempt(url: URL, list: string): boolean {
  const { hostname } = url;
  const host = hostOf(url);
  const hostAndPort = `${hostname}:${portOf(url)}`;
  return list.toLowerCase().split(/[,\s]+/).some((entry) => {
    if (entry === "*") return true;
    const name = entry.replace(/^\*?\./, "");
    return name !== "" &&
      [host, hostname, hostAndPort].some((one) => one === name || one.endsWith(`.${name}`));
  });
}
