/**
 * The settings of a running account that a reload replaces (C9).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { AccountOptions, AnsweringModel } from "../account_interface.ts";
import type { Speech } from "../rules/setup.ts";

/** The current config and models. */
export interface Settings {
  /** The current config. */
  config: Config;
  /** The model that answers. */
  model: AnsweringModel["model"];
  /** Checks whether the model answers. */
  checkModel: AnsweringModel["checkModel"];
  /** Hears and speaks; without parts if none is configured. */
  speech: Speech;
  /** Draws images; `undefined` if none is configured. */
  drawing: AnsweringModel["drawing"] | undefined;
  /** Other models that people may choose. */
  choices: AnsweringModel["choices"] | undefined;
  /** Reads and changes the config file. */
  configFile: AnsweringModel["configFile"] | undefined;
}

/** The settings that an account starts with, or that a reload brings. */
export function settingsOf(
  { config, model, checkModel, speech = {}, drawing, choices, configFile }:
    & AnsweringModel
    & Pick<AccountOptions, "config">,
): Settings {
  return { config, model, checkModel, speech, drawing, choices, configFile };
}
