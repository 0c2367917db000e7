export { apiKeyAuthenticate, API_KEY_PRINCIPAL } from "./api-key.ts";
export { ANYBODY, authenticated, createAuthenticate, type AuthenticationOptions } from "./authentication.ts";
export { DEFAULT_TENANT, type Authenticate, type Principal } from "./principal.ts";
