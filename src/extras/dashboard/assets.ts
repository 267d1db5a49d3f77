/** Serves the dashboard's files from the program: the page loads nothing else. */

import { TEXTS } from "./texts.js";

/** By name. The demo's page has the same look and icon. */
export const EMBEDDED: ReadonlyMap<string, {
  readonly type: "text/css" | "text/javascript" | "image/svg+xml";
  readonly text: string;
}> = new Map([
  ["page.css", { type: "text/css", text: TEXTS.look + TEXTS.css }],
  ["page.js", { type: "text/javascript", text: TEXTS.script }],
  ["icon.svg", { type: "image/svg+xml", text: TEXTS.icon }],
]);
