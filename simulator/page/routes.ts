/**
 * Declares the requests that the page's server takes: of each its method, path and largest body. The
 * application serves these and no other ones.
 */

import { ASSETS } from "./assets.ts";

/** The rule of a request. */
export interface PageRoute {
  /** `GET` allows `HEAD`, too. */
  readonly method: "GET" | "POST";
  /** Path, with `:name` for one segment. */
  readonly path: string;
  /** The page is of this machine alone, and the guard in front of it keeps other pages away. */
  readonly auth: "none";
  /** Maximum bytes of a body; 0: the route reads none. */
  readonly maxBodyBytes: number;
}

const BODY_MAX_BYTES = 32 * 1024;

const get = (path: string) => ({ method: "GET", path, auth: "none", maxBodyBytes: 0 }) as const;
const post = (path: string) =>
  ({ method: "POST", path, auth: "none", maxBodyBytes: BODY_MAX_BYTES }) as const;

/** Data and acts, by name. */
export const ACT_ROUTES = {
  events: get("/events"),
  file: get("/files/:channel/:file/:name"),
  say: post("/say"),
  click: post("/click"),
  choose: post("/choose"),
  call: post("/call"),
  speak: post("/speak"),
  hangUp: post("/hang-up"),
  kill: post("/kill"),
} as const satisfies Readonly<Record<string, PageRoute>>;

/** All of them, with the page's own files. */
export const PAGE_ROUTES: readonly PageRoute[] = [
  ...Object.keys(ASSETS).map(get),
  ...Object.values(ACT_ROUTES),
];
