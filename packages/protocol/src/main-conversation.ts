/** Id of the main conversation; others are subagent ids. */
export const MAIN_CONVERSATION = "main";
