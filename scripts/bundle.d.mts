/** Builds every bundle whose source exists and answers the paths it made, relative to the root. */
export declare function bundle(): Promise<string[]>;
