/** One request to the simulated REST API, parsed and permitted, for its route. */

import type { Context } from "hono";
import type { Account } from "../gateway/accounts.ts";
import type { UploadedFile } from "./message_body.ts";

export interface Call {
  readonly account: Account;
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

export type Env = { Bindings: { readonly call: Call } };
export type Asked = Context<Env>;
