/**
 * Declares what a page of the dashboard is, and a change that a page offers.
 *
 * A page is one file in `pages/`. Changes of a page are one file in
 * `changes/`, and one row of `changes/table.ts`. While a page is open, its script replaces each part
 * with `data-live` (`Card`) whose HTML has changed; the server renders the page again once the store
 * or a connection has changed.
 */

import type { HtmlEscapedString } from "hono/utils/html";
import type { z } from "zod";
import type { DashboardParts } from "./parts.ts";

/** A rendered element of a page. */
export type PageView = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The part of an address after its `?`: `message` of `/dashboard/feed?message=1`. */
export type Query = Pick<URLSearchParams, "get" | "getAll" | "has">;

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

/** What a person sees after a change. */
export interface ChangeResult {
  /** One sentence: `"Approved ada"`. */
  readonly text: string;
  /** Shown below the form, such as the errors of a config. */
  readonly view?: PageView;
}

/** A change that a page offers: the same call that a command of the CLI makes. */
export interface DashboardChange<Given = unknown> {
  /** Name in requests: `"pairing.approve"`. */
  readonly name: string;
  readonly label: string;
  /** Schema of the form's fields, which are texts. */
  readonly fields: z.ZodType<Given>;
  /** The command that does the same, shown beside the button; absent: no command does. */
  command?(fields: Fields): string;
  /** A question to answer before it runs; absent: it runs at once. */
  confirm?(fields: Fields): string;
  /**
   * Does it.
   *
   * @throws {RefusedChange} With the reason in words, if it cannot be done.
   */
  run(parts: DashboardParts, given: Given): Promise<ChangeResult>;
}

/** A change whose type of fields is forgotten, as a table of changes needs it. */
export type AnyChange = Omit<DashboardChange, "fields" | "run"> & {
  /** Checks the fields, and does it. */
  run(parts: DashboardParts, fields: unknown): Promise<ChangeResult>;
};

/** Makes a row for the table of changes. */
export function change<Given>({ fields, run, ...rest }: DashboardChange<Given>): AnyChange {
  return {
    ...rest,
    run(parts, given) {
      const { data, error } = fields.safeParse(given);
      if (error) {
        const [{ path, message } = { path: [], message: "not valid" }] = error.issues;
        throw new RefusedChange([path.join("."), message].filter(Boolean).join(": "));
      }
      return run(parts, data as Given);
    },
  };
}

/** A change that cannot be done; the message is for the person on the page. */
export class RefusedChange extends Error {
  override readonly name = "RefusedChange";
}
