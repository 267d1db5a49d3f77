/**
 * Declares what a page of the dashboard is, and a change that a page offers.
 *
 * A page is one file in `pages/`, and `changes.ts` beside this one has the changes. While a page is
 * open, its script replaces each part with `data-live` (`Card`) whose HTML has changed; the server
 * renders the page again once the store or a connection has changed.
 */

import type { HtmlEscapedString } from "hono/utils/html";
import type { RunningBot, Setup } from "../../../bot.ts";
import type { Log } from "../../../lib/log.ts";
import type { Store } from "../../../store/store.ts";

/** Everything that a page may read, and through which it may change data. */
export interface DashboardParts {
  readonly now: () => number;
  /**
   * The store of the running bot. Its listed methods go the way of a command's request
   * (`shared/store_methods.ts`), so the bot reacts to a change as to that of a command.
   */
  readonly store: Store;
  readonly bot: RunningBot;
  /** The running config, with its accounts and models. */
  readonly setup: () => Setup;
  readonly log: Log;
  /** Removes secrets from a text, as from the log. */
  readonly clean: (text: string) => string;
}

/** A rendered element of a page. */
export type PageView = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The part of an address after its `?`: `message` of `/dashboard/feed?message=1`. */
export type Query = URLSearchParams;

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
  return { render: async (parts, query) => one.view(await one.load(parts, query)) };
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
