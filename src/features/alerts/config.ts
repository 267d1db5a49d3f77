/** Keys of `alerts`: how owners hear of trouble (O12). */

import { z } from "zod";
import { key, lazySection } from "../../config/schema/parts/key.ts";
import { secret } from "../../config/schema/parts/secrets.ts";

export const alerts = lazySection(
  "alerts",
  () =>
    z.strictObject({
      dm: key(
        z.boolean().default(true),
        "Whether owners get alerts by direct message, while the bot is connected.",
        { example: false },
      ),
      webhook: key(
        secret().optional(),
        "Address that gets each alert as JSON by POST. The address of a webhook of Discord, Slack " +
          "or Mattermost works, too. It is written like an `apiKey`, because anyone who knows it may " +
          "use it.",
        { unset: "none", example: { file: "alerts_webhook" } },
      ),
    }).prefault({}),
  "How the owners hear of trouble that keeps the bot from answering.",
  { task: "operating", example: { webhook: { file: "alerts_webhook" } } },
);
