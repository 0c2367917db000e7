/** Who asks. Every lookup is scoped by `tenant`; `default` where nobody says otherwise. */
export interface Principal {
  readonly id: string;
  readonly tenant: string;
}

export const DEFAULT_TENANT = "default";

/** Tells who asks; null: nobody that is known (401). A `RuntimeError` thrown inside is answered as it is. */
export type Authenticate = (request: Request) => Principal | null | Promise<Principal | null>;
