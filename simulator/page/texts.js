/** Embeds the files of the page. Imports of texts have no types, so this is no TypeScript. */

import look from "./web/look.css" with { type: "text" };
import composer from "./web/composer.js" with { type: "text" };
import css from "./web/page.css" with { type: "text" };
import dom from "./web/dom.js" with { type: "text" };
import html from "./web/page.html" with { type: "text" };
import icon from "./web/icon.svg" with { type: "text" };
import main from "./web/main.js" with { type: "text" };
import markdown from "./web/markdown.js" with { type: "text" };
import messages from "./web/messages.js" with { type: "text" };
import sidebar from "./web/sidebar.js" with { type: "text" };
import state from "./web/state.js" with { type: "text" };
import times from "./web/times.js" with { type: "text" };
import tour from "./web/tour.js" with { type: "text" };

/** @type {Readonly<Record<"look" | "composer" | "css" | "dom" | "html" | "icon" | "main" | "markdown" | "messages" | "sidebar" | "state" | "times" | "tour", string>>} */
export const TEXTS = {
  look,
  composer,
  css,
  dom,
  html,
  icon,
  main,
  markdown,
  messages,
  sidebar,
  state,
  times,
  tour,
};
