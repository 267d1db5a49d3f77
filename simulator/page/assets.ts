/**
 * Embeds the page's files: the program is one file, and the page loads nothing from the network.
 */

import look from "./web/look.css" with { type: "text" };
import composer from "./web/composer.js" with { type: "text" };
import css from "./web/page.css" with { type: "text" };
import dom from "./web/dom.js" with { type: "text" };
import form from "./web/form.js" with { type: "text" };
import html from "./web/page.html" with { type: "text" };
import icon from "./web/icon.svg" with { type: "text" };
import main from "./web/main.js" with { type: "text" };
import markdown from "./web/markdown.js" with { type: "text" };
import messages from "./web/messages.js" with { type: "text" };
import panel from "./web/panel.js" with { type: "text" };
import sidebar from "./web/sidebar.js" with { type: "text" };
import state from "./web/state.js" with { type: "text" };
import times from "./web/times.js" with { type: "text" };
import tour from "./web/tour.js" with { type: "text" };
import upload from "./web/upload.js" with { type: "text" };

export interface Asset {
  readonly type: "text/html" | "text/css" | "text/javascript" | "image/svg+xml";
  readonly text: string;
}

const script = (text: string): Asset => ({ type: "text/javascript", text });

/** By path. */
export const ASSETS: Readonly<Record<string, Asset>> = {
  "/": { type: "text/html", text: html },
  "/page.css": { type: "text/css", text: look + css },
  "/icon.svg": { type: "image/svg+xml", text: icon },
  "/composer.js": script(composer),
  "/dom.js": script(dom),
  "/form.js": script(form),
  "/main.js": script(main),
  "/markdown.js": script(markdown),
  "/messages.js": script(messages),
  "/panel.js": script(panel),
  "/sidebar.js": script(sidebar),
  "/state.js": script(state),
  "/times.js": script(times),
  "/tour.js": script(tour),
  "/upload.js": script(upload),
};
