-- The health of a ValidationRun of validation.aicr.dev, whose conditions are those of kstatus. Healthy is said of a run that is
-- Ready for the spec and the rerun that are asked for now, and of nothing else.
local meta = obj.metadata
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready or {}

local function is(name, value)
  return conditions[name] ~= nil and conditions[name].status == value
end

local function health(status, message)
  return { status = status, message = message }
end

local function because()
  return (ready.reason or "Unknown") .. ": " .. (ready.message or "")
end

-- Of what is being deleted Argo CD asks about hooks alone, and keeps them until they end, which this one would not do otherwise.
if meta.deletionTimestamp ~= nil then
  return health("Degraded", "the run is being deleted")
end

-- The status of a run that the operator has not seen yet says -1; that of a changed one is about the spec before.
if status.observedGeneration ~= meta.generation then
  return health("Progressing", "waiting for the operator to take up the spec")
end
if is("Reconciling", "True") then
  return health("Progressing", because())
end
if ready.status == "Unknown" and ready.reason == "Suspended" then
  return health("Suspended", because())
end

-- An annotation leaves the generation as it is, so what was asked for is compared with what was taken up. Of a longer value the
-- status has a digest, which cannot be told from an older one here. A run that is cancelled takes none up.
local rerun = (meta.annotations or {})["validation.aicr.dev/rerun-requested-at"] or ""
if not (obj.spec or {}).cancel and rerun ~= "" and #rerun <= 128 and rerun ~= status.lastHandledRerun then
  return health("Progressing", "waiting for the operator to take up the rerun")
end

if is("Stalled", "True") then
  return health("Degraded", because())
end
if is("Ready", "True") then
  return health("Healthy", because())
end
return health("Progressing", "waiting for a verdict")
