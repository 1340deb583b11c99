// A Bluesky PDS with its own PLC directory, both on loopback, both thrown away at the end.
// Run it in the folder whose node_modules hold @atproto/pds and @did-plc/server. Environment:
//   PDS_PORT, PLC_PORT   ports to listen on
//   PDS_DIR              an empty folder for the data
//   PDS_RATE_LIMITS      1 turns the reference rate limits on
// Prints READY once both listen. Stops on SIGTERM, on SIGINT, and when its standard input closes, which the
// kernel does for a parent that died.
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { PDS_DIR: dir, PDS_PORT: pdsPort, PLC_PORT: plcPort, PDS_RATE_LIMITS: limits } = process.env
const installed = createRequire(join(process.cwd(), 'package.json'))
const load = (name) => import(pathToFileURL(installed.resolve(name)).href)

async function startPlc() {
  const { Database, PlcServer } = installed('@did-plc/server')
  const plc = PlcServer.create({ db: Database.mock(), port: Number(plcPort) })
  await plc.start()
  return plc
}

async function startPds() {
  const { PDS } = await load('@atproto/pds')
  const unreachable = { url: 'https://service.invalid', did: 'did:example:unreachable' }
  const pds = await PDS.fromEnv({
    devMode: true,
    hostname: 'localhost',
    port: Number(pdsPort),
    dataDirectory: dir,
    blobstoreDiskLocation: join(dir, 'blobs'),
    blobstoreDiskTmpLocation: join(dir, 'blobs-tmp'),
    didPlcUrl: `http://localhost:${plcPort}`,
    plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
    jwtSecret: randomBytes(32).toString('hex'),
    adminPassword: randomBytes(16).toString('hex'),
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    disableSsrfProtection: true,
    rateLimitsEnabled: limits === '1',
    bskyAppViewUrl: unreachable.url,
    bskyAppViewDid: unreachable.did,
    modServiceUrl: unreachable.url,
    modServiceDid: unreachable.did,
    crawlers: [],
  })
  await pds.start()
  return pds
}

const plc = await startPlc()
const pds = await startPds()

let stopping = false
async function stop() {
  if (stopping) return
  stopping = true
  await pds.destroy()
  await plc.destroy()
  process.exit(0)
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
process.stdin.on('end', stop).resume()
console.log('READY')
