/** Draws a link as a QR code of half blocks, for a phone that is logged in to Discord. */

import { encode } from "uqr";

/** Modules of white around the code; scanners need some. */
const BORDER = 2;

/**
 * Draws the code, one text line for two of its rows.
 *
 * @param isColoured Whether to set both colours, so that it is dark on light in every theme. Without
 * colours it suits a dark theme; most phones read an inverted code, too.
 */
export function inviteQr(link: string, isColoured: boolean): string {
  const { data } = encode(link, { ecc: "L", border: BORDER });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const line = (data[row] ?? []).map((isUpper, column) =>
      BLOCKS[(isUpper ? 2 : 0) + (data[row + 1]?.[column] ? 1 : 0)]
    ).join("");
    lines.push(isColoured ? `\u001b[97;40m${line}\u001b[0m` : line);
  }
  return lines.join("\n");
}

/** By the darkness of the upper and the lower module; white is drawn, and black is the background. */
const BLOCKS = ["█", "▀", "▄", " "] as const;
