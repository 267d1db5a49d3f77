/** Styles text for a terminal, and leaves text for pipes and files plain. */

import type { Env } from "../../lib/env.ts";
import { styleText } from "node:util";

export type Colour = "dim" | "red" | "green" | "yellow";

/** For pipes, files and JSON. */
export const PLAIN: Style = createStyle(undefined);

export const COLOURED: Style = createStyle(styleText);

/**
 * Chooses the style of a stream: coloured on a terminal, unless `NO_COLOR` is set or `TERM` is
 * `dumb`.
 *
 * The check is our own, since `styleText`'s asks `getColorDepth()`, which Deno answers without a
 * terminal, too.
 *
 * @param stream `isTTY` is `undefined`, not false, for a pipe on Bun.
 */
export function styleFor(stream: { readonly isTTY?: boolean }, env: Env): Style {
  return stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb" ? COLOURED : PLAIN;
}

function createStyle(paint: typeof styleText | undefined) {
  const painter = (format: "bold" | Colour) => (text: string): string =>
    paint ? paint(format, text, { validateStream: false }) : text;
  return {
    /** Whether texts get escape sequences. */
    isOn: paint !== undefined,
    bold: painter("bold"),
    dim: painter("dim"),
    red: painter("red"),
    green: painter("green"),
    yellow: painter("yellow"),
  };
}

/** Functions that style a text; {@link PLAIN} returns each text unchanged. */
export type Style = ReturnType<typeof createStyle>;
