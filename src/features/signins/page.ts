/**
 * The page to which a browser comes back from a person's sign-in (T13a). The browser may be another
 * person's, as links can be passed on. So it ends no sign-in: its person does that in Discord.
 */

import type { Served, ServedPart } from "../../cli/run/served_parts.ts";
import { CALLBACK_ROUTE, page, refusedCallback } from "../../host/sign_in_callback.ts";
import { publicNames } from "../../http/app.ts";

export function createSignInPage({ setup }: { readonly setup: Served["setup"] }): ServedPart {
  let { config: { mcp: { servers }, http } } = setup;
  return {
    applied: ({ config }) => void ({ mcp: { servers }, http } = config),
    answer(request) {
      const isOn = Object.values(servers).some(({ login }) => login === "each");
      if (!isOn || new URL(request.url).pathname !== CALLBACK_ROUTE.path) return undefined;
      return refusedCallback(request, publicNames(http.publicUrl)) ?? page(
        "Copy the whole address of this page, and enter it in Discord, where you began the sign-in. " +
          "If you did not begin one, close this page and give the address to no one.",
        200,
      );
    },
  };
}
