/**
 * Declares what a page of the dashboard is, and a change that a page offers.
 *
 * A page is one file in `pages/`, and `changes.ts` beside this one has the changes. While a page is
 * open, its script replaces each part with `data-live` (`Card`) whose HTML has changed; the server
 * renders the page again once the store or a connection has changed.
 */

import type { HtmlEscapedString } from "hono/utils/html";
import type { DashboardParts } from "./parts.ts";

/** A rendered element of a page. */
export type PageView = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The part of an address after its `?`: `message` of `/dashboard/feed?message=1`. */
export type Query = Pick<URLSearchParams, "get">;

/** A part of a page. Its facts come first; the view is a function of them, without `await`. */
export interface DashboardPage<Facts = unknown> {
  /** Reads the facts that the view needs. */
  load(parts: DashboardParts, query: Query): Promise<Facts>;
  view(facts: Facts): PageView;
}

/** A part whose type of facts is forgotten, as a table of pages needs it. */
export interface AnyPage {
  render(parts: DashboardParts, query: Query): Promise<PageView>;
}

/** Makes a part for the table of pages. */
export function page<Facts>(one: DashboardPage<Facts>): AnyPage {
  return {
    render: async (parts, query) => one.view(await one.load(parts, query)),
  };
}

/** The fields of a form, by name. */
export type Fields = Readonly<Record<string, string>>;

/** A change that a page offers: the same call that a command of the CLI makes. */
export interface DashboardChange {
  /** Name in requests: `"pairing.approve"`. */
  readonly name: string;
  readonly label: string;
  /** The command that does the same, shown beside the button. */
  command(code: string): string;
  /**
   * Does it.
   *
   * @returns One sentence: `"Approved ada"`.
   * @throws {RefusedChange} With the reason in words, if it cannot be done.
   */
  run(parts: DashboardParts, code: string): Promise<string>;
}

/** A change that cannot be done; the message is for the person on the page. */
export class RefusedChange extends Error {
  override readonly name = "RefusedChange";
}
