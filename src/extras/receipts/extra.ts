/** Lists a turn's actions under its answer, from the stored steps (R15a). */

import type { Extra } from "../../cli/extras/extra.ts";

export const receipts: Extra = {
  account: async () => (await import("./account_receipts.ts")).createAccountReceipts,
};
