/** Embeds the files of the dashboard: the program is one file, and the page loads nothing else. */

import look from "../../../simulator/page/web/look.css" with { type: "text" };
import icon from "../../../simulator/page/web/icon.svg" with { type: "text" };
import css from "./web/page.css" with { type: "text" };
import script from "./web/page.js" with { type: "text" };

/** An embedded file. */
export interface EmbeddedFile {
  readonly type: "text/css" | "text/javascript" | "image/svg+xml";
  readonly text: string;
}

/** By name. The demo's page has the same look and icon. */
export const EMBEDDED: ReadonlyMap<string, EmbeddedFile> = new Map([
  ["page.css", { type: "text/css", text: look + css }],
  ["page.js", { type: "text/javascript", text: script }],
  ["icon.svg", { type: "image/svg+xml", text: icon }],
]);
