--[[ darktable: "sRGB with its colours (gamut)" among the targets of the export module.

Put this file into the folder lua/ of darktable's configuration, and the line  require "gamut"  into luarc beside that
folder. Then export to this target as TIFF, 16 bit, with the profile "linear ProPhoto RGB": every picture is reduced
into the folder that is chosen there. An existing file is not replaced.
]]

local dt = require "darktable"

local NAME = "gamut"
local OPTIONS = "--ext jpg"

local function preference(key, default)
  local value = dt.preferences.read(NAME, key, "string")
  return value ~= "" and value or default
end

-- One word of a command line, whatever is in it.
local function quoted(text)
  if dt.configuration.running_os == "windows" then
    return '"' .. text .. '"'
  end
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- What the export module shows of this target; darktable-cli shows nothing, and would wait for it for ever.
local function chooser()
  local folder = dt.new_widget("file_chooser_button") {
    title = "folder of the reduced pictures",
    is_directory = true,
    value = preference("folder", ""),
    changed_callback = function(self) dt.preferences.write(NAME, "folder", "string", self.value or "") end,
  }
  local options = dt.new_widget("entry") {
    text = preference("options", OPTIONS),
    tooltip = "options of gamut reduce",
    reset_callback = function(self) self.text = OPTIONS end,
  }
  return dt.new_widget("box") { orientation = "vertical", folder, options }, options
end

local widget, options
if dt.configuration.has_gui then
  widget, options = chooser()
end

-- Is called with every picture once it is exported into a temporary file.
local function store(storage, image, format, exported, number, total, high_quality, extra)
  if options then
    dt.preferences.write(NAME, "options", "string", options.text)
  end
  local to = preference("folder", image.path .. "/gamut")
  local command = table.concat({
    quoted(preference("command", "gamut")), "reduce", quoted(exported), "-o", quoted(to),
    preference("options", OPTIONS),
  }, " ")
  if dt.configuration.running_os == "windows" then
    command = '"' .. command .. '"' -- cmd takes off the outer quotes
  end
  dt.print("gamut: " .. image.filename .. " (" .. number .. " of " .. total .. ")")
  local ended = os.execute(command)
  os.remove(exported)
  if ended ~= true and ended ~= 0 then
    extra.failed = (extra.failed or 0) + 1
    dt.print_error("failed: " .. command)
  end
end

local function finalize(storage, images, extra)
  if extra.failed then
    dt.print("gamut: " .. extra.failed .. " pictures failed; darktable's terminal says why")
  end
end

dt.register_storage(
  NAME, "sRGB with its colours (gamut)", store, finalize,
  function(storage, format) return format.extension == "tif" end, -- another one has lost the colours already
  nil,
  widget
)

return { store = store, finalize = finalize }
