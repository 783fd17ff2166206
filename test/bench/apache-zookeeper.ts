/**
 * Apache ZooKeeper as a child process, for benchmarks and for tests that compare us with it.
 * Owns: the source of its jars and the flags of its JVM. Assumes: `java` is on the PATH. Maven is needed only if no
 * jars are given. Jars are kept in the user's cache folder, outside the repository.
 * The settings must be those of a production server: otherwise every published ratio is wrong.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type RunningServer, startServerProcess } from './server-process.ts'
import { heapSizeMibMaxDefault, type ServerOptions, startTimeoutMsDefault, writeZooConfig } from './zoo-config.ts'

const run = promisify(execFile)
const versionWanted = '3.9.5'
const versionRangeFallback = '[3.9.0,3.9.999]'
const mavenTimeoutMs = 300_000
const debianJarsDir = '/usr/share/java'

// ZooKeeper's pom marks these as optional or provided, but its server loads them (its release archive ships them
// too). The versions are those of the release above.
const extraDependencies = [
  ['io.dropwizard.metrics', 'metrics-core', '4.1.12.1'],
  ['org.xerial.snappy', 'snappy-java', '1.1.10.5'],
  ['ch.qos.logback', 'logback-classic', '1.3.15'],
] as const

export interface ZooKeeperOptions extends ServerOptions {
  /** Default: the result of `findZooKeeperClasspath`. */
  readonly classpath?: string
  /** Settings that ZooKeeper reads only as system properties, such as `jute.maxbuffer`. */
  readonly systemProperties?: Readonly<Record<string, string>>
}

/**
 * The given folder of jars, or the environment variable ZOOKEEPER_CLASSPATH, or Maven Central (kept in the cache folder
 * after the first time), or Debian's libzookeeper-java; the first one that exists.
 */
export async function findZooKeeperClasspath(jarsDir?: string): Promise<string> {
  if (jarsDir !== undefined) return classpathOfJars(jarsDir)
  const fromEnvironment = process.env['ZOOKEEPER_CLASSPATH']
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment
  const failures: string[] = []
  for (const version of [versionWanted, versionRangeFallback]) {
    try {
      return await classpathOfJars(await jarsFromMaven(version))
    } catch (cause) {
      failures.push(`Maven, ${version}: ${firstLines(cause)}`)
    }
  }
  const debianClasspath = classpathOfDebian()
  if (debianClasspath !== undefined) return debianClasspath
  throw new Error(
    `Apache ZooKeeper was not found. Give a folder of its jars, or set ZOOKEEPER_CLASSPATH.\n${failures.join('\n')}`,
  )
}

/** Resolves once the server serves: members of an ensemble must therefore be started together. */
export async function startZooKeeperServer(options: ZooKeeperOptions): Promise<RunningServer> {
  const classpath = options.classpath ?? (await findZooKeeperClasspath())
  const configFile = await writeZooConfig(options)
  await writeFile(join(options.dir, 'logback.xml'), logbackConfig)
  await writeFile(join(options.dir, 'log4j.properties'), log4jConfig)
  return startServerProcess({
    name: 'Apache ZooKeeper',
    program: 'java',
    args: [
      `-Xmx${options.heapSizeMibMax ?? heapSizeMibMaxDefault}m`,
      '-Djava.net.preferIPv4Stack=true',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      ...Object.entries(options.systemProperties ?? {}).map(([key, value]) => `-D${key}=${value}`),
      '-cp',
      `${options.dir}${delimiter}${classpath}`,
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      configFile,
    ],
    clientPort: options.clientPort,
    logFile: join(options.dir, 'server.log'),
    niceness: options.niceness ?? 0,
    timeoutMs: options.timeoutMs ?? startTimeoutMsDefault,
  })
}

async function classpathOfJars(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.jar')).sort()
  if (!names.some((name) => name.startsWith('zookeeper'))) throw new Error(`no zookeeper jar in ${dir}`)
  return names.map((name) => join(dir, name)).join(delimiter)
}

async function jarsFromMaven(version: string): Promise<string> {
  const cacheDir = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'zkts')
  const name = version === versionWanted ? `zookeeper-${version}` : 'zookeeper-3.9-newest'
  const jarsDir = join(cacheDir, name)
  if (existsSync(jarsDir)) return jarsDir
  const workDir = join(cacheDir, `${name}.${process.pid}`)
  await mkdir(workDir, { recursive: true })
  try {
    await writeFile(join(workDir, 'pom.xml'), pomText(version))
    const goal = 'dependency:copy-dependencies'
    await run('mvn', ['-B', '-q', goal, '-DincludeScope=runtime', '-DoutputDirectory=jars'], {
      cwd: workDir,
      timeout: mavenTimeoutMs,
    })
    // The rename makes the folder appear complete or not at all. If another process was first, its jars are used.
    await rename(join(workDir, 'jars'), jarsDir).catch((cause: unknown) => {
      if (!existsSync(jarsDir)) throw cause
    })
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
  return jarsDir
}

function classpathOfDebian(): string | undefined {
  const serverJar = join(debianJarsDir, 'zookeeper.jar')
  if (!existsSync(serverJar)) return undefined
  // The manifest of Debian's jar lists its dependencies, except a logger.
  return [serverJar, join(debianJarsDir, 'slf4j-simple.jar')].join(delimiter)
}

function pomText(version: string): string {
  const dependencies = [['org.apache.zookeeper', 'zookeeper', version], ...extraDependencies]
  const elements = dependencies.map(
    ([group, artifact, itsVersion]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${itsVersion}</version></dependency>`,
  )
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>zkts</groupId><artifactId>apache-zookeeper</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${elements.join('')}</dependencies>
</project>
`
}

function firstLines(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause)
  return text.split('\n').slice(0, 5).join('\n  ')
}

const logbackConfig = `<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{0}: %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`

const log4jConfig = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %-5p %c{1}: %m%n
`
