/** Serves the page's files from the program: the page loads nothing from the network. */

import { TEXTS } from "./texts.js";

export interface Asset {
  readonly type: "text/html" | "text/css" | "text/javascript" | "image/svg+xml";
  readonly text: string;
}

const script = (text: string): Asset => ({ type: "text/javascript", text });

/** By path. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "/": { type: "text/html", text: TEXTS.html },
  "/page.css": { type: "text/css", text: TEXTS.look + TEXTS.css },
  "/icon.svg": { type: "image/svg+xml", text: TEXTS.icon },
  "/composer.js": script(TEXTS.composer),
  "/dom.js": script(TEXTS.dom),
  "/main.js": script(TEXTS.main),
  "/markdown.js": script(TEXTS.markdown),
  "/messages.js": script(TEXTS.messages),
  "/sidebar.js": script(TEXTS.sidebar),
  "/state.js": script(TEXTS.state),
  "/times.js": script(TEXTS.times),
  "/tour.js": script(TEXTS.tour),
};
