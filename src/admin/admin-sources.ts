/** The data that a four-letter word is rendered from: a status of the server, taken at one moment, and details. */
import type { AdminDetails } from './admin-details.ts'
import type { EnvironmentFacts, ServerStatus } from './server-status.ts'

export interface AdminSources {
  readonly status: ServerStatus
  readonly environment: EnvironmentFacts
  readonly details: AdminDetails
}
