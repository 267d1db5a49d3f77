/** Embeds the files of the dashboard. Imports of texts have no types, so this is no TypeScript. */

import look from "../../../simulator/page/web/look.css" with { type: "text" };
import icon from "../../../simulator/page/web/icon.svg" with { type: "text" };
import css from "./web/page.css" with { type: "text" };
import script from "./web/page.js" with { type: "text" };

/** @type {Readonly<Record<"look" | "icon" | "css" | "script", string>>} */
export const TEXTS = {
  look,
  icon,
  css,
  script,
};
