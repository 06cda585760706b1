using System.CodeDom.Compiler;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Granary.Tests.Architecture;

/// <summary>Writes an assembly's public types and members, one a line, sorted.</summary>
internal static class PublicApiText
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static List<string> Of(Assembly assembly)
    {
        var lines = new List<string>();
        foreach (var type in assembly.GetExportedTypes().Where(IsOurs).OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            lines.Add($"{type.Namespace}: {Header(type)}");
            lines.AddRange(Members(type).Order(StringComparer.Ordinal).Select(m => "    " + m));
        }

        return lines;
    }

    private static bool IsOurs(Type type) =>
        type.Namespace?.StartsWith("OrleansCodeGen", StringComparison.Ordinal) != true && type.GetCustomAttribute<GeneratedCodeAttribute>() is null;

    private static string Header(Type type)
    {
        if (type.IsAssignableTo(typeof(Delegate)))
            return $"delegate {Method(type.GetMethod("Invoke")!, type.Name)}";
        var kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => "struct",
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
        if (type.GetMethod("<Clone>$", Declared) is not null)
            kind = kind.Replace("class", "record", StringComparison.Ordinal);
        var bases = type.IsEnum ? [] : type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []).Where(i => i != typeof(IEquatable<>).MakeGenericType(type)).Select(i => ApiNames.Of(i)).Order(StringComparer.Ordinal).ToList();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum))
            bases.Insert(0, ApiNames.Of(parent));
        return $"{kind} {ApiNames.Of(type)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}{Constraints(type.GetGenericArguments())}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsAssignableTo(typeof(Delegate)))
            yield break;
        foreach (var field in type.GetFields(Declared).Where(f => (f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly) && !f.IsSpecialName))
        {
            yield return type.IsEnum
                ? $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}"
                : $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{ApiNames.Of(field)} {field.Name}{(field.IsLiteral ? $" = {Literal(field.GetRawConstantValue())}" : "")}";
        }

        foreach (var property in type.GetProperties(Declared).Where(p => p.GetAccessors(true).Any(IsVisible) && p.Name != "EqualityContract"))
            yield return Property(property);
        foreach (var constructor in type.GetConstructors(Declared).Where(c => IsVisible(c) && !c.IsStatic && c.GetCustomAttribute<CompilerGeneratedAttribute>() is null))
            yield return $"{Access(constructor)}new({Parameters(constructor)})";
        foreach (var method in type.GetMethods(Declared).Where(m => IsVisible(m) && !IsAccessor(m) && IsWritten(m)))
            yield return Access(method) + Modifiers(method) + Method(method, method.Name);
    }

    private static string Property(PropertyInfo property)
    {
        var accessors = string.Concat(new[] { property.GetMethod, property.SetMethod }.OfType<MethodInfo>().Where(IsVisible).Select(a =>
            Access(a) + (a == property.GetMethod ? "get; " : IsInit(a) ? "init; " : "set; ")));
        var either = property.GetAccessors(true).First(IsVisible);
        var required = property.GetCustomAttribute<RequiredMemberAttribute>() is null ? "" : "required ";
        return $"{Modifiers(either)}{required}{ApiNames.Of(property)} {property.Name} {{ {accessors}}}";
    }

    private static string Method(MethodInfo method, string name) =>
        $"{ApiNames.Of(method.ReturnParameter)} {name}{Generics(method)}({Parameters(method)}){(method.IsGenericMethod ? Constraints(method.GetGenericArguments()) : "")}";

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Parameters(MethodBase method)
    {
        var isExtension = method.GetCustomAttribute<ExtensionAttribute>() is not null;
        return string.Join(", ", method.GetParameters().Select(p =>
            (isExtension && p.Position == 0 ? "this " : "")
            + (p.IsDefined(typeof(ParamArrayAttribute)) || p.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "")
            + $"{ApiNames.Of(p)} {p.Name}{(p.HasDefaultValue ? $" = {Literal(p.RawDefaultValue)}" : "")}"));
    }

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Where(a => a.IsGenericParameter).Select(a =>
    {
        var constraints = a.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(c => ApiNames.Of(c)).ToList();
        if (a.GenericParameterAttributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
            constraints.Insert(0, "struct");
        else if (a.GenericParameterAttributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            constraints.Insert(0, "class");
        return constraints.Count == 0 ? "" : $" where {a.Name} : {string.Join(", ", constraints)}";
    }));

    private static string Literal(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method) => method switch
    {
        { IsStatic: true } => "static ",
        { DeclaringType.IsInterface: true } => "",
        { IsAbstract: true } => "abstract ",
        { IsVirtual: true, IsFinal: false } => method.GetBaseDefinition() == method ? "virtual " : "override ",
        _ => "",
    };

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsAccessor(MethodInfo method) => method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static bool IsInit(MethodInfo setter) => setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    /// <summary>What the compiler adds to a record goes without saying, save its parts.</summary>
    private static bool IsWritten(MethodInfo method) => method.GetCustomAttribute<CompilerGeneratedAttribute>() is null || method.Name == "Deconstruct";
}
