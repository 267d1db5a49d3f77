/** The context of commands and components, for tests. A part that a test does not give fails. */

import assert from "node:assert/strict";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { recordingLog } from "../recording_log.ts";

type Parts = Omit<Partial<InteractionContext>, "store"> & { readonly store?: object };

export function interactionContext(parts: Parts = {}): InteractionContext {
  const given: Parts = {
    agentHere: () => undefined,
    now: () => 0,
    cleanSecrets: (text) => text,
    log: recordingLog().log,
    ...parts,
  };
  return new Proxy(given, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      return assert.fail(`no test gives the part ${String(name)}`);
    },
  }) as InteractionContext;
}
