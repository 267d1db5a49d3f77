/**
 * Finds the proxy between this machine and a URL, by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
 * `NO_PROXY`.
 *
 * `fetch` reads them by itself. A socket of our own must come to the same answer, or one half of
 * the bot would connect where the other cannot. So this does what Bun's `fetch` did in our tests:
 * the lower-case variable first, an empty one counts as absent, and a value that is no URL is
 * ignored. (Deno's differs if the two spellings of a variable disagree.) `NO_PROXY` takes hosts,
 * which include their subdomains, `.host`, `*.host`, `host:port` and `*`. Only `fetch` honours a
 * network such as `10.0.0.0/8`: Discord's hosts are names.
 */

import type { Env } from "../env.ts";
import { hostOf, isLoopbackHost, portOf } from "./addresses.ts";

type ProxyRoute =
  | { readonly kind: "direct" }
  | {
    readonly kind: "proxy";
    /** Name of the variable as it is spelled in the environment: `"HTTPS_PROXY"`. */
    readonly variable: string;
    /** URL of the proxy, which may contain a password: `"http://user:pw@host:3128"`. */
    readonly url: string;
  }
  /** A variable names a proxy that Barnacle does not support. */
  | { readonly kind: "unusable"; readonly variable: string; readonly why: string };

const DIRECT: ProxyRoute = { kind: "direct" };

/**
 * How to reach a URL from this environment.
 *
 * This machine is always reached directly. Requests to it are clear text and include the bot token,
 * which must not go to a proxy.
 *
 * @param url Absolute, with the scheme `http:`, `https:`, `ws:` or `wss:`.
 * @throws {TypeError} If `url` is no absolute URL.
 */
export function proxyRouteTo(url: URL | string, env: Env): ProxyRoute {
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
 * The proxy for a URL, as {@link proxyRouteTo} finds it.
 *
 * @returns `"http://user:pw@host:3128"`; `undefined` if there is no usable proxy.
 * @throws {TypeError} If `url` is no absolute URL.
 */
export function proxyFor(url: URL | string, env: Env): string | undefined {
  const route = proxyRouteTo(url, env);
  return route.kind === "proxy" ? route.url : undefined;
}

/**
 * A proxy's host and port without user and password, to show to people: `"proxy.lan:3128"`.
 *
 * @throws {TypeError} If `proxy` is no absolute URL.
 */
export function nameOfProxy(proxy: string): string {
  const url = new URL(proxy);
  return `${url.hostname}:${portOf(url)}`;
}

/**
 * The value of `NO_PROXY` with which `fetch`, too, reaches this machine directly.
 *
 * By default, both runtimes send requests for 127.0.0.1 to a proxy.
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
