/**
 * Questions that an MCP server puts to a person during a call ("elicitation", T13).
 *
 * @module
 */

import type { UserId } from "../discord/ids.ts";
import type { FormField } from "./form.ts";

/** What a server wants from a person. */
export type ServerWish =
  /** 1 to 5 fields, which are one page of the server's form. */
  | {
    readonly kind: "form";
    readonly fields: readonly FormField[];
    /** Number of this page, from 1. */
    readonly page: number;
    readonly pages: number;
    /** Problems of the last answer, in words; absent: none. */
    readonly problems?: readonly string[];
  }
  /** A form without fields: yes or no. */
  | { readonly kind: "confirm" }
  /** A page that the person opens in a browser; the answer says only whether the person did. */
  | { readonly kind: "page"; readonly url: string; readonly host: string };

/** A question of a server. All texts are the server's, and untrusted. */
export interface ServerQuestion {
  /** The server's name in the config. */
  readonly server: string;
  /** Name of the tool whose call waits. */
  readonly tool: string;
  /** The server's words. */
  readonly message: string;
  /** A form, yes or no, or a page. */
  readonly wish: ServerWish;
  /** The person who asked for the call. */
  readonly asked: UserId;
  /** Milliseconds until the question expires. */
  readonly timeoutMs: number;
}

/** Choice of a person who has opened the page, or who confirms. */
export const DONE = "done";
