/** Tells the owners which parts of requests the server of a model refuses (L3). */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { refusedParts } from "../../account/rules.ts";
import { tellOwners } from "./tell_owners.ts";

const toldOf = perAccount("delivery", () => new Set<string>());

/** Tells each refused part once, those of one model together: the reasons of one part may differ. */
export function tellRefusedParts(account: BotAccount): void {
  const told = toldOf(account);
  const fresh = refusedParts(account.settings)
    .filter(({ modelId, part }) => !told.has(`${modelId} ${part}`));
  for (const [model, parts] of Map.groupBy(fresh, ({ modelId }) => modelId)) {
    for (const { part } of parts) told.add(`${model} ${part}`);
    const part = [...new Set(parts.map((one) => one.part))].join(", ");
    const fix = [...new Set(parts.map((one) => one.fix))].join("; or ");
    void tellOwners(
      account,
      `The server of my model \`${model}\` refuses ${part}. I leave that out. To fix it, ${fix}.`,
    );
  }
}
