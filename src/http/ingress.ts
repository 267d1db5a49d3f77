/**
 * Finds the address under which Home Assistant shows the bot: its ingress. The Supervisor adds it to
 * each request, and has checked the person before. From any other client the header means nothing.
 */

/** The Supervisor's address in the network of add-ons, as Home Assistant documents it. */
const SUPERVISOR = "172.30.32.2";

const INGRESS_PATH = /^\/api\/hassio_ingress\/[\w-]+$/;

/** The address in the place of `http.publicUrl`; `undefined` for a request by another way. */
export function ingressUrl({ headers }: Request, remoteAddress?: string): string | undefined {
  const path = headers.get("x-ingress-path") ?? "";
  if (remoteAddress !== SUPERVISOR || !INGRESS_PATH.test(path)) return undefined;
  const base = headers.get("origin") ??
    `${headers.get("x-forwarded-proto") ?? "http"}://${headers.get("host")}`;
  const origin = URL.parse(base)?.origin ?? "null";
  return origin === "null" ? undefined : origin + path;
}
